"""The acts of `index`, each with what `--json` prints of it and what people read."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import typer

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

Said = tuple[dict[str, Any], str]  # values for --json, and a text for people
_SHOWN = 20  # stale passages that people are shown


@dataclass(frozen=True, slots=True)
class Given:
    """What an index is made of, or what is added to it.

    Args:
        paths: FAQ, policies, conversations.
        questions: Known questions with the ids that answer them; each is a further way to be found.
        labelled: Questions with and without an answer, to fit fusion and threshold on; not those of
            `questions`.
        topics: Labelled turns, whose topics the fit weighs.
        encoder: Name, path or reply run; None for the default one, or for that of the index.
    """

    paths: Sequence[Path]
    questions: Path | None
    labelled: Path | None
    topics: Path | None
    encoder: str | None

    def known(self) -> list[Question]:
        """The known questions."""
        return [] if self.questions is None else read_known_questions(self.questions)


def make_index(given: Given, out: Path) -> Said:
    """Build an index in `out`; fit its fusion and threshold where labelled questions are given.

    Raises:
        DeskhandError: If a file, an option or the encoder is wrong.
    """
    before = None if given.labelled else _fit_of(out)
    check_folder(out)
    name = given.encoder or DEFAULT_ENCODER
    passages, sources, _ = read_files(given.paths)
    known = given.known()
    opened = opened_encoder(name, THREADS)
    fit = fit_on(given.labelled, given.topics, opened)
    if fit is not None:
        ids = {passage.id for passage in passages}
        check_ids(fit.questions, fit.relevant - ids, out)
    rows = [row for passage in passages for row in part_rows(passage)]
    index = build_index(
        passages, opened, name, out, known, extra_rows=rows, sources=sources, fit=fit
    )
    kinds = _kinds(passages)
    made = {"index": str(out), "passages": len(passages), "kinds": kinds, "encoder": name}
    made |= weights(index.manifest) if fit is not None else {}
    if before is not None:
        _warn(
            f"{out}: what was fitted (on {before}) is gone, every question counts as answerable; "
            "give --fit again"
        )
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return made, f"{len(passages)} passages ({counts}) → {out}"


def _fit_of(out: Path) -> str | None:
    """What the index that is at `out` now was fitted on; None where there is no fit to lose."""
    with suppress(IndexMismatchError):
        told = read_manifest(out).fitted_on
        return None if told == UNFITTED else told
    return None


def add_passages(given: Given, out: Path) -> Said:
    """Add files to an index; a passage with a known id replaces that one, if it has changed.

    What the index has from one of these files, and the file no longer has, is deleted. A passage
    that says what it said keeps its known questions, wherever in the file it stands now; new ones
    come beside them, for passages of the files or of the index. Without labelled questions the fit
    stays, and without labelled turns it keeps the topics that are known. An encoder that is given
    must be the index's own, by any name.

    Raises:
        DeskhandError: If there is no index, or a file, an option or the encoder is wrong.
    """
    index = _opened(out)
    name = given.encoder
    if name not in (None, index.manifest.encoder) and not _is_encoder_of(index, name):
        raise ConfigError(
            f"{out}: its encoder is {index.manifest.encoder}; index again to take {name}"
        )
    passages, sources, read = read_files(given.paths)
    known = given.known()
    fit = fit_on(given.labelled, given.topics, index.encoder)
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
        grown = index.refit(fit(index))
    unchanged = [p for p in passages if p.id in held and is_as_it_was(p, held[p.id])]
    counts = {
        "added": len(ids) - len(held), "replaced": len(held) - len(unchanged),
        "unchanged": len(unchanged), "deleted": len(gone),
    }  # fmt: skip
    made = _told(grown) | counts | {"kinds": _kinds(passages)}
    made |= weights(grown.manifest) if fit is not None else {}
    return made, (
        f"{counts['added']} passages added, {counts['replaced']} replaced, {counts['deleted']} "
        f"deleted, {counts['unchanged']} as they were; {len(grown)} → {out}"
    )


def delete_passages(out: Path, ids: Sequence[str], further: Sequence[str]) -> Said:
    """Delete passages from an index by id.

    Args:
        out: The index directory.
        ids: Of the passages.
        further: More ids, among which may be files that stand on the same command line.

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
    for name in passed:
        _warn(f"--delete reads no PATH: {name} is passed over")
    made = _told(smaller) | {"deleted": len(index) - len(smaller)}
    return made, f"{made['deleted']} passages deleted, {len(smaller)} left → {out}"


def roll_back(out: Path) -> Said:
    """Bring back the version before the current one; once more takes that back."""
    manifest = rollback(out)
    passages = sum(entry.passages - entry.deleted for entry in manifest.segments)
    made = {"index": str(out), "version": manifest.version, "passages": passages}
    return made, f"{passages} passages, as before → {out} (version {manifest.version})"


def compact_index(out: Path, forget: bool) -> Said:
    """Merge the segments of an index into one without what was deleted.

    With `forget` no version is kept to roll back to: what was deleted is then nowhere on the disk.
    """
    index = compact(_opened(out), forget=forget)
    made = _told(index) | {"segments": len(index.segments)}
    return made, f"{len(index)} passages in {len(index.segments)} segments → {out}"


def stale_passages(out: Path, paths: Sequence[Path]) -> Said:
    """The passages that no longer hold today; files are compared where paths are given."""
    index = _opened(out)
    now = fingerprints(paths) if paths else None
    rows = [
        {"id": each.passage.id, "why": each.why, "title": each.passage.title,
         "source": each.passage.source}
        for each in stale(index, now, date.today())
    ]  # fmt: skip
    lines = [f"  {each['why']}: {each['id']}  [{each['source']}]" for each in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        lines.append(f"  … {len(rows) - _SHOWN} more (--json lists all)")
    looked = "" if paths else "; give PATH… to compare files too"
    made = {"index": str(out), "passages": len(index), "stale": rows}
    return made, "\n".join([f"{len(rows)} stale passages{looked}", *lines])


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


def _warn(text: str) -> None:
    typer.echo(f"warning: {text}", err=True)


def _kinds(passages: Sequence[Passage]) -> dict[str, int]:
    return dict(Counter(passage.metadata.get("kind", "passage") for passage in passages))


def _told(index: Index) -> dict[str, Any]:
    return {"index": str(index.root), "version": index.manifest.version, "passages": len(index)}
