"""The verb of gaps: what people asked that nothing answers."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import AsJson, say
from data.errors import ConfigError

_URL = "sqlite:///var/deskhand.db"
_SHOWN = 20


def gaps(
    out: Annotated[Path | None, typer.Option("--out", help="a table to write: .csv")] = None,
    store: Annotated[str, typer.Option("--store", help="database URL")] = _URL,
    since: Annotated[str | None, typer.Option("--since", help="first day: 2026-03-01")] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="leave out what this one answers by now")
    ] = None,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    region: Annotated[str, typer.Option(help="country of phone numbers without prefix")] = "GB",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads", min=1)] = 2,
    as_json: AsJson = False,
) -> None:
    """Questions that got no answer, grouped by meaning, for who writes the FAQ."""
    from apps.build import opened_encoder, opened_index
    from apps.faq.faq import FaqApp
    from apps.review.gaps import gaps_of, write_gaps
    from apps.store import existing_store
    from apps.store_review import Reviews
    from data.encoders import DEFAULT_ENCODER
    from data.outputs import check_file
    from data.redact.digits import check_region

    if out is not None:
        if out.suffix.lower() != ".csv" or out.is_dir():
            raise ConfigError(f"{out}: --out writes a file that ends in .csv")
        check_file(out)
    check_region(region)
    begin = None if since is None else datetime.combine(_day(since), datetime.min.time())
    asked = Reviews(existing_store(store)).unanswered(begin)
    vectors = opened_encoder(encoder or DEFAULT_ENCODER, threads)
    answered = None if index is None else FaqApp(opened_index(index, threads)).knows
    found = gaps_of(asked, vectors, region, answered)
    if out is not None:
        write_gaps(out, found)
    lines = [f"{len(asked)} questions without an answer, {len(found)} different ones"]
    lines += [f"{gap.count:>6}  {gap.last:%Y-%m-%d}  {gap.question}" for gap in found[:_SHOWN]]
    say(
        {"questions": len(asked), "gaps": [gap.values() for gap in found]},
        as_json,
        "\n".join(lines + ([f"→ {out}"] if out is not None else [])),
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--since {text}: a day such as 2026-03-01 is needed") from error
