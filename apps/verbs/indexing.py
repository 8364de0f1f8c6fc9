"""What the command line does with an index: make one, change it, tell what no longer holds."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from apps.build import opened_encoder
from apps.verbs.index_fit import fit_on, weights
from apps.verbs.options import THREADS
from data.encoders import DEFAULT_ENCODER
from data.errors import ConfigError, IndexMismatchError, LogFormatError
from data.outputs import check_folder
from data.rows import BadRows
from data.schema import Passage
from retrieval.carrying import carried, is_as_it_was
from retrieval.columns import source_file
from retrieval.evaluate import check_ids
from retrieval.index import Index, open_index
from retrieval.manifest import UNFITTED, read_manifest
from retrieval.parts import part_rows
from retrieval.passages import fingerprints, read_passages
from retrieval.questions import Question, read_known_questions
from retrieval.stale import ids_from, stale
from retrieval.writing import add, build_index, compact, delete, rollback


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
    passages, sources, _ = read_files(paths)
    known = read_known_questions(questions) if questions is not None else []
    opened = opened_encoder(name, THREADS)
    fit = fit_on(labelled, topics, opened)
    if fit is not None:
        ids = {passage.id for passage in passages}
        check_ids(fit.questions, fit.relevant - ids, out)
    rows = [row for passage in passages for row in part_rows(passage)]
    index = build_index(
        passages, opened, name, out, known, extra_rows=rows, sources=sources, fit=fit
    )
    made = {"index": str(out), "passages": len(passages), "kinds": _kinds(passages)}
    return made | {"encoder": name} | (weights(index.manifest) if fit is not None else {})


def fit_of(out: Path) -> str | None:
    """What the index that is at `out` now was fitted on; None where there is no fit to lose."""
    with suppress(IndexMismatchError):
        told = read_manifest(out).fitted_on
        return None if told == UNFITTED else told
    return None


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

    What the index has from one of these files, and the file no longer has, is deleted. A passage
    that says what it said keeps its known questions, wherever in the file it stands now.

    Args:
        paths: As of `make_index`, like the others.
        out: The index directory.
        questions: Known questions that passages of the files or of the index answer; they come
            beside those that are known.
        labelled: Questions to fit fusion and threshold on again; without them both stay.
        encoder: The index's own, by any name, if any.
        overrides: The same again.
        topics: Labelled turns; without them the fit keeps the topics that are known.

    Raises:
        DeskhandError: If there is no index, or a file, an option or the encoder is wrong.
    """
    index = _opened(out)
    name = _encoder_name(encoder, overrides)
    if name not in (None, index.manifest.encoder) and not _is_encoder_of(index, name):
        raise ConfigError(
            f"{out}: its encoder is {index.manifest.encoder}; index again to take {name}"
        )
    passages, sources, read = read_files(paths)
    known = read_known_questions(questions) if questions is not None else []
    fit = fit_on(labelled, topics, index.encoder)
    ids = {passage.id for passage in passages}
    gone = ids_from(index, read) - ids
    if fit is not None:
        check_ids(fit.questions, (index.missing(fit.relevant) | gone) & fit.relevant - ids, out)
    held = _held(index, ids)
    _check_one_file(passages, held, read)
    asked = {each for question in known for each in question.relevant}
    # Of what the files do not have, the index may know more that is asked.
    every = passages + list(_held(index, asked - ids - gone).values())
    new_questions = _new_questions(index, every, known)
    led_to = {each for question in new_questions for each in question.relevant}
    # What is as it was is no version to roll back from.
    fresh = [p for p in every if p.id in led_to or (p.id in ids and held.get(p.id) != p)]
    is_known = all(index.manifest.sources.get(file) == value for file, value in sources.items())
    grown = index
    if fresh or new_questions or gone or not is_known:
        rows = [row for passage in fresh for row in part_rows(passage)]
        grown = add(
            index, fresh, new_questions, extra_rows=rows, sources=sources, delete=gone, fit=fit
        )
    elif fit is not None:
        found = fit(index)
        decision = found.decision
        grown = index.refit(found.fusion, decision.threshold, found.fitted_on, decision.margin)
    unchanged = [p for p in passages if p.id in held and is_as_it_was(p, held[p.id])]
    counts = {
        "added": len(ids) - len(held), "replaced": len(held) - len(unchanged),
        "unchanged": len(unchanged), "deleted": len(gone),
    }  # fmt: skip
    told = _told(grown) | counts | {"kinds": _kinds(passages)}
    return told | (weights(grown.manifest) if fit is not None else {})


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


def compact_index(out: Path, forget: bool = False) -> dict[str, Any]:
    """Merge the segments of an index into one without what was deleted.

    With `forget` no version is kept to roll back to: what was deleted is then nowhere on the disk.
    """
    index = compact(_opened(out), forget=forget)
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


def _opened(out: Path) -> Index:
    return open_index(out, opened_encoder(read_manifest(out).encoder, THREADS))


def read_files(paths: Sequence[Path]) -> tuple[list[Passage], dict[str, str], set[str]]:
    """The passages of files, the hashes of files that some came from, and the names of all."""
    bad = BadRows()
    passages = read_passages(paths, bad)
    if bad.lines:
        raise LogFormatError(f"{bad.lines[0]} ({len(bad)} bad rows; nothing was indexed)")
    named = {source_file(passage) for passage in passages}
    hashed = fingerprints(paths)
    # An empty file of a folder is not read, and has no text any more either.
    empty = {
        file.relative_to(path).as_posix()
        for path in paths
        if path.is_dir()
        for file in path.rglob("*")
        if file.is_file() and not file.stat().st_size
    }
    return passages, {name: v for name, v in hashed.items() if name in named}, {*hashed, *empty}


def _is_encoder_of(index: Index, name: str) -> bool:
    """Whether it is the index's own by another name: the weights tell."""
    return opened_encoder(name, THREADS).fingerprint == index.manifest.fingerprint


def _held(index: Index, ids: Collection[str]) -> dict[str, Passage]:
    """What an index has under these ids."""
    return {passage.id: passage for passage in map(index.passage, index.places(ids).tolist())}


def _check_one_file(
    passages: Sequence[Passage], held: Mapping[str, Passage], read: Collection[str]
) -> None:
    """Refuse an id that another file has, which is not read: its passage would be lost.

    Raises:
        LogFormatError: Naming both files.
    """
    for passage in passages:
        if passage.id not in held:
            continue
        file, other = source_file(passage), source_file(held[passage.id])
        if file != other and other not in read:
            raise LogFormatError(
                f"{file}: passage id {passage.id!r} is one of {other or 'another source'} in the "
                f"index; give it another id, add both files, or --delete {passage.id} first"
            )


def _new_questions(
    index: Index, passages: Sequence[Passage], known: Sequence[Question]
) -> list[Question]:
    """The known questions that do not lead to their passages yet."""
    asked = {each for question in known for each in question.relevant}
    kept = carried(index, [passage for passage in passages if passage.id in asked])
    return [
        question
        for question in known
        if not all(
            each in kept and question.text in kept[each].further for each in question.relevant
        )
    ]


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
