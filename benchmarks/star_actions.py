"""Which step a wizard of STAR takes next: the trained run beside three that were not tuned."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from benchmarks.shell import row
from data.dialogue import Situation
from data.schema import Conversation
from data.steps import step_text, steps_of
from finetune.intent_model import IntentModel
from finetune.serving import ends_encoder, shared_encoder

NOT_MEASURED = "not measured"
TOKENS = 64  # of a context that frozen vectors are of: as many as the run's config reads
LAST_WORDS = (20, 40, 10_000)  # of a context that the linear model reads: chosen on validation
# What is said in every dialogue, whatever its task.
COMMON = {"hello", "goodbye_1", "goodbye_2", "ask_name", "anything_else"}


@dataclass(frozen=True, slots=True)
class Step:
    """A situation, what the wizard did and said in it, and whether the dialogue's path is happy."""

    situation: Situation
    action: str
    answer: str
    happy: bool

    @property
    def text(self) -> str:
        """What the models read."""
        return step_text(self.situation)


Steps = Mapping[str, Sequence[Step]]


class Contexts:
    """Vectors of the contexts by the frozen encoder, made once."""

    def __init__(self, encoder: str, steps: Steps) -> None:
        self._encoder = ends_encoder(encoder, TOKENS, threads=1)
        self._steps = steps

    @cached_property
    def train(self) -> NDArray[np.float32]:
        """Of the training steps (n, D)."""
        return self._encoder.encode([step.text for step in self._steps["train"]])

    @cached_property
    def likeness(self) -> dict[str, NDArray[np.float32]]:
        """Cosines of the steps (m, n) of validation and test to the training steps."""
        return {
            name: self._encoder.encode([step.text for step in self._steps[name]]) @ self.train.T
            for name in ("validation", "test")
        }


def steps_in(dialogues: Iterable[Conversation]) -> list[Step]:
    """The steps of dialogues: each agent's turn that names an action."""
    return [
        Step(
            situation,
            turn.action or "",
            " ".join(turn.text.split()),
            dialogue.labels.get("path") == "happy",
        )
        for dialogue in dialogues
        for situation, turn in steps_of(dialogue)
    ]


def of_the_set(steps: Steps) -> list[dict[str, Any]]:
    """What there is to learn from, and how much of it is the same in every dialogue."""
    test = steps["test"]
    common = np.mean([step.action in COMMON for step in test])
    known = {step.action for step in steps["train"]}
    return [
        row("steps: training, all training, validation, test",
            ", ".join(f"{len(each):,}" for each in steps.values()), "",
            f"{len(known)} actions in training; {sum(s.action not in known for s in test)} test "
            "steps have another"),
        row(f"share of test steps that are {', '.join(sorted(COMMON))}", float(common), "",
            "said in dialogues of every task: they lift every figure below"),
    ]  # fmt: skip


def action_rows(steps: Steps, vectors: Contexts, run: Path) -> list[dict[str, Any]]:
    """Accuracy and weighted F1 of the next action on the test part, validation beside."""
    most = Counter(step.action for step in steps["train"]).most_common(1)[0][0]
    nearest = {
        name: [steps["train"][place].action for place in likeness.argmax(axis=1)]
        for name, likeness in vectors.likeness.items()
    }
    words, chosen = _linear(steps, "train")
    more, chosen_all = _linear(steps, "train_all")
    said: dict[str, Callable[[str], list[str]]] = {
        f"most frequent action ({most})": lambda part: [most] * len(steps[part]),
        f"nearest training context, frozen encoder, last {TOKENS} tokens": nearest.__getitem__,
        f"TF-IDF and a linear model, {chosen}": words,
        f"TF-IDF and a linear model on all training dialogues, {chosen_all}": more,
    }
    rows = [each for name, answers in said.items() for each in _told(name, answers, steps)]
    if not run.exists():
        return [*rows, row("next action, trained run", NOT_MEASURED, "",
                           "python -m benchmarks.star next_action")]  # fmt: skip
    model = opened(run)
    found = {part: predicted(model, steps[part]) for part in ("validation", "test")}
    return rows + _told("trained run", found.__getitem__, steps)


def opened(run: Path) -> IntentModel:
    """A run of next actions."""
    return IntentModel(run, lambda name: shared_encoder(name, threads=1), threads=1)


def predicted(model: IntentModel, steps: Sequence[Step]) -> list[str]:
    """The best action for each step, whether it would be refused or not."""
    return [each.top[0][0] for each in model.next_actions([step.situation for step in steps])]


def _told(name: str, answers: Callable[[str], list[str]], steps: Steps) -> list[dict[str, Any]]:
    gold = {
        part: np.array([step.action for step in steps[part]]) for part in ("validation", "test")
    }
    right = {part: np.array(answers(part)) == gold[part] for part in gold}
    f1 = {
        part: f1_score(gold[part], answers(part), average="weighted", zero_division=0)
        for part in gold
    }
    happy = np.array([step.happy for step in steps["test"]])
    rare = np.array([step.action not in COMMON for step in steps["test"]])
    return [
        row(f"next action, {name}: accuracy", float(right["test"].mean()), "",
            f"validation {right['validation'].mean():.4f}; happy dialogues "
            f"{_mean(right['test'][happy])}, unhappy {_mean(right['test'][~happy])}; without the "
            f"steps of every task {_mean(right['test'][rare])}"),
        row(f"next action, {name}: weighted F1", float(f1["test"]), "",
            f"validation {f1['validation']:.4f}"),
    ]  # fmt: skip


def _mean(values: NDArray[np.bool_]) -> str:
    return f"{values.mean():.4f}" if len(values) else "none"


def _linear(steps: Steps, part: str) -> tuple[Callable[[str], list[str]], str]:
    """Predictions by part, of the length of context that is best on validation; which it is."""
    target = [step.action for step in steps[part]]
    best: tuple[float, int, dict[str, list[str]]] | None = None
    for words in LAST_WORDS:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        model = LinearSVC(C=0.5, random_state=0)
        model.fit(vectorizer.fit_transform(_ends(steps[part], words)), target)
        said = {
            name: list(model.predict(vectorizer.transform(_ends(steps[name], words))))
            for name in ("validation", "test")
        }
        gold = [step.action for step in steps["validation"]]
        accuracy = float(np.mean(np.array(said["validation"]) == np.array(gold)))
        if best is None or accuracy > best[0]:
            best = (accuracy, words, said)
    assert best is not None
    whole = best[1] == LAST_WORDS[-1]
    return best[2].__getitem__, "whole context" if whole else f"last {best[1]} words"


def _ends(steps: Sequence[Step], words: int) -> list[str]:
    return [" ".join(step.text.split()[-words:]) for step in steps]
