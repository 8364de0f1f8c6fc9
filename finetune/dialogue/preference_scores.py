"""Whether preferences were learned, and whether answers that nobody complained of got worse."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.dialogue.model import DialogueModel
from finetune.dialogue.preferences import liked, usable
from finetune.dialogue.rows import situations_of
from finetune.dialogue.scores import score_answers
from finetune.dialogue.start import start_of
from finetune.reading import Splits
from finetune.reading.preferences import Preference
from finetune.run_dir import RunDir
from finetune.task import Before, Scored, Scorer

logger = logging.getLogger(__name__)


def before_preferences(config: TrainConfig, splits: Splits) -> Before:
    """Scorers of the start run, and of the commonest liked answer."""
    answers = [each.answer or "" for each in liked(usable(splits.train))]
    commonest = Counter(answers).most_common(1)[0][0]

    def trivial(examples: list[Example]) -> Scored:
        rows = liked(examples)[: config.dialogue.scored_rows]
        return score_answers(rows, [commonest] * len(rows)) if rows else Scored({"n": 0})

    return Before(preference_scorer(start_of(config).root, config), trivial)


def preference_scorer(run: Path, config: TrainConfig) -> Scorer:
    """A scorer of a run: of held-out answers what every dialogue run has, and of preferences more.

    `preference_accuracy` is the share of pairs whose chosen answer is likelier by token than the
    rejected one; `liked_log_likelihood` and `disliked_log_likelihood` are means over answers, in
    nats by token.
    """
    model = DialogueModel(run, config.threads, device_name(config))

    def scored(examples: list[Example]) -> Scored:
        rows = liked(examples)[: config.dialogue.scored_rows]
        more = _preferred(model, usable(examples)[: config.dialogue.scored_rows])
        if not rows:
            return Scored({"n": 0, **more})
        where = situations_of(rows)
        nats = model.nats(where, [row.answer or "" for row in rows])
        found = score_answers(rows, model.write_all(where), nats)
        return replace(found, metrics={**found.metrics, **more})

    return scored


def drops(run: Path, config: TrainConfig) -> list[str]:
    """A warning for each split whose held-out answers became less likely or less grounded.

    An answer that cannot be sent counts as one that is not grounded.
    """
    folder = RunDir(run)
    told = []
    for split, stages in folder.read_json(folder.metrics).items():
        less = stages["before"].get("grounded", 0.0) - stages["after"].get("grounded", 0.0)
        if less > config.dialogue.most_drop:
            told.append(
                f"Fewer answers to the {split} rows can be sent: {less:.1%} less are grounded. "
                f"Keep {config.dialogue.start}, or tune it with a lower dialogue.preference_lr."
            )
        old = stages["before"].get("perplexity")
        new = stages["after"].get("perplexity")
        if old is None or new is None or new <= old * (1 + config.dialogue.most_drop):
            continue
        told.append(
            f"Held-out answers of the {split} rows became less likely: perplexity {new:.2f}, "
            f"{old:.2f} before, a rise of {new / old - 1:.1%} where "
            f"{config.dialogue.most_drop:.1%} is allowed. Keep {config.dialogue.start}, or tune it "
            "with a higher dialogue.beta, a lower dialogue.preference_lr or more rows."
        )
    for note in told:
        logger.warning("%s", note)
    return told


def _preferred(model: DialogueModel, rows: Sequence[Preference]) -> dict[str, float]:
    if not rows:
        return {}
    said = _by_token(model, rows, [row.answer or "" for row in rows])
    pairs = [place for place, row in enumerate(rows) if row.rejected is not None]
    if pairs:
        worse = [rows[place] for place in pairs]
        other = _by_token(model, worse, [r.rejected.text for r in worse if r.rejected])
        known = ~np.isnan(said[pairs]) & ~np.isnan(other)
        if not known.any():
            return {}
        return {"preference_accuracy": float((said[pairs] > other)[known].mean())}
    up = np.array([row.liked for row in rows])
    groups = {"liked": said[up], "disliked": said[~up]}
    return {
        f"{name}_log_likelihood": float(np.nanmean(values))
        for name, values in groups.items()
        if not np.isnan(values).all()
    }


def _by_token(
    model: DialogueModel, rows: Sequence[Preference], answers: Sequence[str]
) -> NDArray[np.float64]:
    """The log-likelihood by token (n,) of each answer; NaN where it has none."""
    nats = model.nats(situations_of(rows), answers)
    known = nats[:, 1] > 0
    return np.where(known, -nats[:, 0] / np.where(known, nats[:, 1], 1), np.nan)
