"""The next agent turn, written: by an encoder–decoder or an encoder on both sides, or causally.

Which of them it is follows from the base model. All read the conversation with placeholders for its
values (`data.dialogue`), and none can write a digit of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import DEFAULT_ENCODER
from data.schema import Example
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.dialogue.causal import causal_trainer, save_causal, untuned_causal
from finetune.dialogue.leaks import leaks_of
from finetune.dialogue.model import DialogueModel
from finetune.dialogue.preference_scores import before_preferences, drops, preference_scorer
from finetune.dialogue.preferences import liked, preference_trainer, save_preferred, usable
from finetune.dialogue.rows import situations_of, taught
from finetune.dialogue.scores import SHOWN, score_answers
from finetune.dialogue.start import is_causal
from finetune.dialogue.writer import save_dialogue_writer, untuned_writer, writer_trainer
from finetune.reading import Splits
from finetune.reading.dialogues import read_dialogues
from finetune.reading.preferences import read_preferences
from finetune.run_dir import RunDir
from finetune.serving import shared_encoder
from finetune.task import Before, Finished, Scored, Scorer, Trains

KNOWN = 2000  # training answers that selection chooses from


class DialogueTask:
    """See Task."""

    best_metric = "bleu"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        if _prefers(config):
            return read_preferences(path, config.dialogue.objective)
        return read_dialogues(path, config.dialogue.reads_step)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        if _prefers(config):
            return preference_trainer(config, splits, run)
        made = causal_trainer if is_causal(config) else writer_trainer
        return made(config, splits, run)

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        if _prefers(config):
            return save_preferred(trainer, config, run)
        save = save_causal if is_causal(config) else save_dialogue_writer
        save(trainer, config, splits, run)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the answer to the nearest known conversation; the commonest answer.

        The perplexity beside them is that of the network before tuning. Where preferences are
        learned, the run that they are added to stands in the place of the nearest.
        """
        if _prefers(config):
            return before_preferences(config, splits)
        known = taught(splits.train, config)
        commonest = Counter(each.answer or "" for each in known).most_common(1)[0][0]
        select = selection(known[:KNOWN], config)
        untuned = (untuned_causal if is_causal(config) else untuned_writer)(config)

        def selected(examples: list[Example]) -> Scored:
            rows = examples[: config.dialogue.scored_rows]
            nats = untuned.nats(situations_of(rows), [row.answer or "" for row in rows])
            return score_answers(rows, select(rows), nats)

        def trivial(examples: list[Example]) -> Scored:
            rows = examples[: config.dialogue.scored_rows]
            return score_answers(rows, [commonest] * len(rows))

        return Before(selected, trivial)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        if _prefers(config):
            return preference_scorer(run, config)
        model = DialogueModel(run, config.threads, device_name(config))

        def scored(examples: list[Example]) -> Scored:
            rows = examples[: config.dialogue.scored_rows]
            where = situations_of(rows)
            nats = model.nats(where, [row.answer or "" for row in rows])
            return score_answers(rows, model.write_all(where), nats)

        return scored

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task: answers side by side, and whether training rows can be drawn out of it."""
        config, splits, examples = finished.config, finished.splits, finished.examples
        model = DialogueModel(finished.run, config.threads, device_name(config))
        notes: list[str] = []
        if _prefers(config):
            known, examples = liked(usable(splits.train)), liked(examples)
            notes = drops(finished.run, config)
        else:
            known = taught(splits.train, config)
        rows = examples[:SHOWN]
        selected = selection(known[:KNOWN], config)(rows)
        talks = [
            {"text": row.text, "agent": row.answer, "selected": one, "written": other}
            for row, one, other in zip(rows, selected, model.write_all(situations_of(rows)),
                                       strict=True)
        ]  # fmt: skip
        return {"talks": talks, "leaks": leaks_of(model, known, config.seed), "notes": notes}


def _prefers(config: TrainConfig) -> bool:
    return config.dialogue.objective != "answers"


def selection(known: Sequence[Example], config: TrainConfig) -> Any:  # noqa: ANN401 - a function
    """What gives each Example the answer to the nearest of the known conversations."""
    name = DEFAULT_ENCODER if is_causal(config) else config.encoder
    encoder = shared_encoder(name, threads=config.threads)
    vectors = encoder.encode([each.text for each in known])
    return partial(_nearest, encoder=encoder, vectors=vectors, known=known)


def _nearest(
    examples: Sequence[Example],
    encoder: Any,  # noqa: ANN401 - an Encoder
    vectors: NDArray[np.float32],
    known: Sequence[Example],
) -> list[str]:
    if not examples:
        return []
    near = encoder.encode([each.text for each in examples]) @ vectors.T
    return [known[int(place)].answer or "" for place in near.argmax(1)]
