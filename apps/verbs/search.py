"""The verb `search`: the passages of an index that answer a question."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.verbs.options import THREADS, AsJson, in_utf8, say
from data.errors import ConfigError

if TYPE_CHECKING:
    from retrieval.filters import Filter


def search(
    index_path: Annotated[Path, typer.Argument(metavar="INDEX", help="an index")],
    question: Annotated[str, typer.Argument(help="what is asked", callback=in_utf8)],
    k: Annotated[int, typer.Option("-k", min=1, help="passages at most")] = 5,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="KEY=VALUE",
            help="only such passages: metadata, source=FILE or valid_on=DATE; a key again: either",
        ),
    ] = None,
    per_source: Annotated[
        int | None, typer.Option("--per-source", min=1, help="passages of one file at most")
    ] = None,
    rerank: Annotated[
        Path | None,
        typer.Option("--rerank", metavar="RUN", help="a cross-encoder reply run, to look twice"),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The passages that answer a question."""
    if not question.strip():
        raise ConfigError("the question is empty; ask something")
    from apps.build import opened_index
    from apps.explain import highlighted, passage_values
    from retrieval.rerank import DEPTH, reranked

    admitted = filter_of(where or ())
    opened = opened_index(index_path, THREADS)
    depth = max(k, DEPTH) if rerank else max(k, 2)  # a decision may look at the second
    vector = opened.vector_of(question)
    found = opened.search(question, depth, where=admitted, vector=vector, per_source=per_source)
    answerable = opened.answerable(found)
    if rerank is not None:
        from finetune.reply.reranker import RerankerModel

        found = reranked(question, found, RerankerModel(rerank, THREADS), k)
    shown = highlighted(opened.encoder, question, vector, found[:k])
    rows = [passage_values(passage) for passage in shown]
    lines = [
        f"{row['score']:.3f}  {row['title']}  [{row['source']}]  id {row['id']}" for row in rows
    ]
    if rows and rows[0]["highlight"]:
        start, end = rows[0]["highlight"]
        lines[0] += f"\n       {' '.join(rows[0]['text'][start:end].split())}"
    if not answerable:
        empty = "no passage passes the filter" if admitted and len(opened) else "nothing indexed"
        lines.insert(0, "nothing here answers that; the closest:" if rows else empty)
    result = {"question": question, "answerable": answerable, "passages": rows}
    say(result, as_json, "\n".join(lines))


def filter_of(entries: Sequence[str]) -> "Filter | None":
    """A filter from `key=value` entries; a key that stands twice admits either value.

    Raises:
        ConfigError: If an entry is not of that form, or `valid_on` is no date.
    """
    from retrieval.filters import Filter

    wanted: dict[str, set[str]] = {}
    day = None
    for entry in entries:
        key, sign, value = entry.partition("=")
        if not (key and sign):
            raise ConfigError(f"--where {entry}: key=value is needed, such as kind=faq")
        if key == "valid_on":
            try:
                day = date.fromisoformat(value)
            except ValueError as error:
                raise ConfigError(
                    f"--where {entry}: a date is needed, such as valid_on=2026-01-31"
                ) from error
        else:
            wanted.setdefault(key, set()).add(value)
    return Filter.of(wanted, day) if entries else None
