"""What a trained run is beyond its task: which model serves it, and what that reads."""

from typing import Literal, cast

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
        RunDirError: If its config cannot be read, or is not one of this version.
    """
    trained = run.trained()
    found: str = trained.task
    if found == "reply":
        found = trained.reply.kind
    elif found == "summary":
        found = trained.summary.kind
    elif found == "intent" and trained.multi_label:
        found = "several labels"
    elif found == "intent" and trained.intent.from_the_end:
        found = "next action"
    return cast(RunKind, found)
