"""What a trained run is beyond its task: which model serves it, and what that reads."""

from typing import Literal, cast, get_args

from data.errors import RunDirError
from finetune.run_dir import RunDir

# `settings_read.Kind` tells trainings apart, which are more: a head and a network serve alike.
RunKind = Literal[
    "intent",
    "several labels",
    "next action",
    "ner",
    "relation",
    "qa",
    "bi_encoder",
    "cross_encoder",
    "writer",
    "extractive",
    "dialogue",
    "pretrain",
]


def kind_of(run: RunDir) -> RunKind:
    """What a run is by its own config.

    Raises:
        RunDirError: If its config cannot be read, or names a kind that this version lacks.
    """
    train = run.read_config()["train"]
    found = str(train.get("task"))
    if found == "reply":
        found = (train.get("reply") or {}).get("kind", "bi_encoder")
    elif found == "summary":
        found = (train.get("summary") or {}).get("kind", "writer")
    elif found == "intent" and train.get("multi_label"):
        found = "several labels"
    elif found == "intent" and (train.get("intent") or {}).get("reads") == "conversations":
        found = "next action"
    if found not in get_args(RunKind):
        raise RunDirError(f"{run.config}: not a run's config; train the run again")
    return cast(RunKind, found)
