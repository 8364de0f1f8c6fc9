"""STAR: which step a wizard takes next, and what is answered, on whole dialogues of one task.

    python -m benchmarks.star next_action reply [--datasets DIR]

trains what takes long and keeps it; a run that is there is not trained again. The case `star`
measures what is kept under var/benchmarks/star/ and says of the rest that it is not measured.

Dialogues are those that were completed and have one task, split by the hash of their id, 80/10/10.
Tuning and the baselines beside it learn from the same SHARE of the training dialogues, drawn by
SEED. The context is the whole dialogue so far with what was looked up. Settings were chosen on the
validation part.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.shell import ROOT, deskhand
from benchmarks.star_actions import Contexts, Step, action_rows, of_the_set, predicted, steps_in
from benchmarks.star_answers import answer_rows
from data.conversations import read_conversations, to_dict
from data.encoders import DEFAULT_ENCODER
from data.errors import LogFormatError
from data.logs import star
from data.rows import BadRows, write_jsonl
from data.schema import Conversation
from data.sources import of_path
from data.split import SPLITS, hash_fraction, split_of
from finetune.config import CONFIGS

KEPT = ROOT / "var" / "benchmarks" / "star"
ARCHIVE = "star/star_data_json.tar.gz"
SHARE = 0.12  # of the training dialogues: on one slow core all of them would take hours
SEED = 0


def run(datasets: Path, kept: Path = KEPT, encoder: str = DEFAULT_ENCODER) -> list[dict[str, Any]]:
    """Measure what was trained beside the baselines."""
    steps = parts(prepared(datasets, kept))
    vectors = Contexts(encoder, steps, kept / "vectors")
    trained = predicted(kept / "next_action", steps)
    return [
        *of_the_set(steps),
        *action_rows(steps, vectors, trained),
        *answer_rows(steps, vectors, kept, trained),
    ]


def main(
    names: Annotated[list[str], typer.Argument(help="next_action, reply, dialogue")],
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    kept: Annotated[Path, typer.Option(help="where data and runs are kept")] = KEPT,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="of the training")] = None,
) -> None:
    """Train what is missing."""
    folder = prepared(datasets, kept)
    for name in names:
        if name not in TRAINED:
            raise typer.BadParameter(f"no run {name!r}; {', '.join(TRAINED)}")
        if not (kept / name).exists():
            data, command = TRAINED[name]
            options = [word for each in overrides or () for word in ("--set", each)]
            deskhand(kept, "train", *command, "--data", folder / data, "--out", kept / name,
                     *options)  # fmt: skip


# What each run learns from, and its command. The ranker gets no test file: to score it there takes
# longer than to train it.
TRAINED: dict[str, tuple[str, tuple[str | Path, ...]]] = {
    "next_action": ("", ("intent", "--config", CONFIGS / "next_action.yaml")),
    "reply": ("train.jsonl", ("reply", "--set", "optim.epochs=1", "--set", "reply.max_pairs=2000")),
    # The answers that it learns from are drawn from all training dialogues.
    "dialogue": (
        "train_all.jsonl",
        (
            "dialogue",
            "--set",
            "dialogue.step=given",
            "--set",
            "dialogue.max_rows=6000",
            "--set",
            "max_tokens=128",
            "--set",
            "dialogue.max_target_tokens=48",
            "--set",
            "dialogue.scored_rows=100",
        ),
    ),
}


def archive_in(datasets: Path) -> Path:
    """The archive in the folder of public data sets.

    Raises:
        LogFormatError: If it is not there.
    """
    archive = datasets / ARCHIVE
    if not archive.exists():
        raise LogFormatError(f"{archive}: no such file; name the folder with --datasets")
    return archive


def prepared(datasets: Path, kept: Path = KEPT) -> Path:
    """A folder with the parts as conversations: `train` the drawn share, `train_all` all of it.

    Raises:
        LogFormatError: If the archive is missing or holds no dialogue that is wanted.
    """
    folder = kept / "data"
    if (folder / "complete").exists():
        return folder
    archive = archive_in(datasets)
    bad = BadRows()
    dialogues = [each for each in star.read(of_path(archive), {}, bad) if wanted(each)]
    for split in SPLITS:
        part = [each for each in dialogues if split_of(each.id) == split]
        if not part:
            raise LogFormatError(f"{archive}: no {split} dialogue of one task that was completed")
        if split == "train":
            write_jsonl(folder / "train_all.jsonl", map(to_dict, part))
            part = [each for each in part if hash_fraction(each.id, f"share {SEED}") < SHARE]
        write_jsonl(folder / f"{split}.jsonl", map(to_dict, part))
    (folder / "complete").touch()
    return folder


def wanted(dialogue: Conversation) -> bool:
    """Whether a dialogue was completed and has one task."""
    return dialogue.outcome == "solved" and "intent" in dialogue.labels


def parts(folder: Path) -> dict[str, list[Step]]:
    """The steps of each file of `prepared`, by its name."""
    names = ("train", "train_all", "validation", "test")
    return {name: steps_in(read_conversations(folder / f"{name}.jsonl")) for name in names}


if __name__ == "__main__":
    typer.run(main)
