"""What the command line does with an index: make one, change it, tell what no longer holds."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from apps.build import opened_encoder
from data.encoders import DEFAULT_ENCODER
from data.errors import ConfigError, LogFormatError
from data.outputs import check_file, check_folder
from data.rows import BadRows, write_jsonl
from data.schema import Passage
from retrieval.columns import source_file
from retrieval.evaluate import fit
from retrieval.filters import Filter
from retrieval.index import Index, open_index
from retrieval.manifest import read_manifest
from retrieval.pairs import training_pairs
from retrieval.parts import part_rows
from retrieval.passages import fingerprints, read_passages
from retrieval.questions import read_questions
from retrieval.stale import ids_from, stale
from retrieval.topics import read_labelled_turns
from retrieval.writing import add, build_index, compact, delete, rollback

THREADS = 2


def make_index(
    paths: Sequence[Path],
    out: Path,
    questions: Path | None,
    labelled: Path | None,
    encoder: str | None,
    overrides: Sequence[str],
    topics: Path | None = None,
) -> dict[str, Any]:
    """Build an index; fit its fusion and threshold where labelled questions are given.

    Args:
        paths: FAQ, policies, conversations.
        out: The index directory.
        questions: Known questions with the ids that answer them; each is a further way to be found.
        labelled: Questions with and without an answer, to fit on; not those of `questions`.
        encoder: Name, path or reply run.
        overrides: `encoder=…` again, for scripts that set everything that way.
        topics: Labelled turns, whose topics the fit weighs.

    Raises:
        DeskhandError: If a file, an option or the encoder is wrong.
    """
    check_folder(out)
    name = _encoder_name(encoder, overrides) or DEFAULT_ENCODER
    passages, sources = _read(paths)
    known = read_questions(questions) if questions is not None else []
    opened = opened_encoder(name, THREADS)
    rows = [row for passage in passages for row in part_rows(passage)]
    index = build_index(passages, opened, name, out, known, extra_rows=rows, sources=sources)
    made = {"index": str(out), "passages": len(passages), "kinds": _kinds(passages)}
    return made | {"encoder": name} | _fitted(index, labelled, topics)


def add_passages(
    paths: Sequence[Path],
    out: Path,
    questions: Path | None,
    labelled: Path | None,
    encoder: str | None,
    overrides: Sequence[str],
    topics: Path | None = None,
) -> dict[str, Any]:
    """Add files to an index; a passage with a known id replaces that one, if it has changed.

    What the index has from one of these files, and the file no longer has, is deleted.

    Args:
        paths: As of `make_index`, like the others.
        out: The index directory.
        questions: Known questions that the files' passages answer.
        labelled: Questions to fit fusion and threshold on again; without them both stay.
        encoder: The index's own, if any.
        overrides: The same again.
        topics: Labelled turns; without them the fit keeps the topics that are known.

    Raises:
        DeskhandError: If there is no index, or a file, an option or the encoder is wrong.
    """
    index = _opened(out)
    name = _encoder_name(encoder, overrides)
    if name is not None and name != index.manifest.encoder:
        raise ConfigError(
            f"{out}: its encoder is {index.manifest.encoder}; index again to take {name}"
        )
    passages, sources = _read(paths)
    known = read_questions(questions) if questions is not None else []
    ids = {passage.id for passage in passages}
    new = index.missing(ids)
    gone = ids_from(index, sources) - ids
    # What is as it was keeps its known questions, and is no version to roll back from.
    held = {passage.id: passage for passage in map(index.passage, index.places(ids).tolist())}
    asked = {each for question in known for each in question.relevant}
    fresh = [each for each in passages if each.id in asked or held.get(each.id) != each]
    is_known = all(index.manifest.sources.get(file) == value for file, value in sources.items())
    grown = index
    if fresh or gone or not is_known:
        rows = [row for passage in fresh for row in part_rows(passage)]
        grown = add(index, fresh, known, extra_rows=rows, sources=sources, delete=gone)
    counts = {
        "added": len(new), "replaced": len(fresh) - len(new), "unchanged": len(ids) - len(fresh),
        "deleted": len(gone),
    }  # fmt: skip
    return _told(grown) | counts | {"kinds": _kinds(passages)} | _fitted(grown, labelled, topics)


def delete_passages(
    out: Path, ids: Sequence[str], further: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Delete passages from an index by id.

    Args:
        out: The index directory.
        ids: Of the passages.
        further: More ids, among which may be files that stand on the same command line.

    Returns:
        What was done, and those of `further` that are files.

    Raises:
        LogFormatError: If no passage has one of the ids; nothing is then deleted.
    """
    index = _opened(out)
    missing = index.missing([*ids, *further])
    passed = [name for name in further if name in missing and Path(name).exists()]
    unknown = sorted(missing - set(passed))
    if unknown:
        raise LogFormatError(f"{out}: no passage {unknown[0]!r}; search shows ids with --json")
    smaller = delete(index, {*ids, *further} - set(passed))
    return _told(smaller) | {"deleted": len(index) - len(smaller)}, passed


def roll_back(out: Path) -> dict[str, Any]:
    """Bring back the version before the current one; once more takes that back."""
    manifest = rollback(out)
    passages = sum(entry.passages - entry.deleted for entry in manifest.segments)
    return {"index": str(out), "version": manifest.version, "passages": passages}


def compact_index(out: Path) -> dict[str, Any]:
    """Merge the segments of an index into one without what was deleted."""
    index = compact(_opened(out))
    return _told(index) | {"segments": len(index.segments)}


def stale_passages(out: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """The passages that no longer hold today; files are compared where paths are given."""
    index = _opened(out)
    now = fingerprints(paths) if paths else None
    rows = [
        {"id": each.passage.id, "why": each.why, "title": each.passage.title,
         "source": each.passage.source}
        for each in stale(index, now, date.today())
    ]  # fmt: skip
    return {"index": str(out), "passages": len(index), "stale": rows}


def write_pairs(paths: Sequence[Path], out: Path, questions: Path | None) -> dict[str, Any]:
    """Write question-passage pairs that `deskhand train reply` tunes an encoder on.

    Args:
        paths: As of `make_index`.
        out: A JSONL file.
        questions: Known questions; not those that an index is measured on.

    Raises:
        DeskhandError: If a file is wrong, or `out` is no JSONL file.
    """
    if out.suffix.lower() != ".jsonl" or out.is_dir():
        raise ConfigError(f"{out}: pairs are JSONL; give --out the name of a .jsonl file")
    if any(out.resolve() == path.resolve() for path in (*paths, questions) if path is not None):
        raise ConfigError(f"{out}: is read too; choose another --out")
    check_file(out)
    passages, _ = _read(paths)
    known = read_questions(questions) if questions is not None else []
    return {"out": str(out), "pairs": write_jsonl(out, list(training_pairs(passages, known)))}


def filter_of(entries: Sequence[str]) -> Filter | None:
    """A filter from `key=value` entries; a key that stands twice admits either value.

    Raises:
        ConfigError: If an entry is not of that form, or `valid_on` is no date.
    """
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


def _opened(out: Path) -> Index:
    return open_index(out, opened_encoder(read_manifest(out).encoder, THREADS))


def _read(paths: Sequence[Path]) -> tuple[list[Passage], dict[str, str]]:
    """The passages of files, and the hashes of those that some came from."""
    bad = BadRows()
    passages = read_passages(paths, bad)
    if bad.lines:
        raise LogFormatError(f"{bad.lines[0]} ({len(bad)} bad rows; nothing was indexed)")
    named = {source_file(passage) for passage in passages}
    return passages, {name: v for name, v in fingerprints(paths).items() if name in named}


def _encoder_name(encoder: str | None, overrides: Sequence[str]) -> str | None:
    for override in overrides:
        key, _, value = override.partition("=")
        if key != "encoder" or not value:
            raise ConfigError(
                f"--set {override}: an index has one setting, encoder=NAME or a reply run"
            )
        encoder = value
    return encoder


def _kinds(passages: Sequence[Passage]) -> dict[str, int]:
    return dict(Counter(passage.metadata.get("kind", "passage") for passage in passages))


def _told(index: Index) -> dict[str, Any]:
    return {"index": str(index.root), "version": index.manifest.version, "passages": len(index)}


def _fitted(index: Index, labelled: Path | None, topics: Path | None) -> dict[str, Any]:
    """Fit on labelled questions, if any are given; what came out."""
    if labelled is None:
        return {}
    turns = None if topics is None else read_labelled_turns(topics, index.encoder)
    questions = read_questions(labelled)
    fitted = fit(index, questions, labelled.name, kinds={"faq"}, turns=turns).manifest
    return {
        "dense_weight": fitted.dense_weight, "whole": fitted.whole,
        "focused": fitted.fusion.focused, "topics": fitted.topic_weight,
        "threshold": fitted.threshold, "margin": fitted.margin,
    }  # fmt: skip
