"""Which step a wizard of STAR takes next: the trained run beside three that were not tuned."""

import hashlib
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
from data.schema import Conversation, Situation
from data.steps import step_text, steps_of
from finetune.intent.model import IntentModel
from finetune.serving import ends_encoder, shared_encoder

NOT_MEASURED = "not measured"
TOKENS = 48  # of a context that frozen vectors are of: as many as the run's config reads
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


@dataclass(frozen=True, slots=True)
class _Linear:
    """What a linear model over the last `words` of contexts says, by part."""

    words: int
    said: Mapping[str, list[str]]

    @property
    def read(self) -> str:
        """How much of a context it read, for a row's name."""
        return "whole context" if self.words == LAST_WORDS[-1] else f"last {self.words} words"


Steps = Mapping[str, Sequence[Step]]


class Contexts:
    """Vectors of the contexts by the frozen encoder, made once and kept in a folder."""

    def __init__(self, encoder: str, steps: Steps, folder: Path) -> None:
        self._encoder = ends_encoder(encoder, TOKENS, threads=1)
        self._steps = steps
        self._folder = folder

    def _vectors(self, part: str) -> NDArray[np.float32]:
        texts = [step.text for step in self._steps[part]]
        told = repr((self._encoder.fingerprint, TOKENS, texts))
        path = self._folder / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, self._encoder.encode(texts))
        vectors: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return vectors

    @cached_property
    def train(self) -> NDArray[np.float32]:
        """Of the training steps (n, D)."""
        return self._vectors("train")

    @cached_property
    def likeness(self) -> dict[str, NDArray[np.float32]]:
        """Cosines of the steps (m, n) of validation and test to the training steps."""
        return {name: self._vectors(name) @ self.train.T for name in ("validation", "test")}


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


def action_rows(
    steps: Steps, vectors: Contexts, trained: Mapping[str, list[str]] | None
) -> list[dict[str, Any]]:
    """Accuracy and weighted F1 of the next action on the test part, validation beside."""
    most = Counter(step.action for step in steps["train"]).most_common(1)[0][0]
    nearest = {
        name: [steps["train"][place].action for place in likeness.argmax(axis=1)]
        for name, likeness in vectors.likeness.items()
    }
    best = max((_linear(steps, "train", length) for length in LAST_WORDS), key=_on(steps))
    more = _linear(steps, "train_all", best.words)  # that length again: it takes minutes
    said: dict[str, Callable[[str], list[str]]] = {
        f"most frequent action ({most})": lambda part: [most] * len(steps[part]),
        f"nearest training context, frozen encoder, last {TOKENS} tokens": nearest.__getitem__,
        f"TF-IDF and a linear model, {best.read}": best.said.__getitem__,
        f"TF-IDF and a linear model on all training dialogues, {best.read}": more.said.__getitem__,
    }
    rows = [each for name, answers in said.items() for each in _told(name, answers, steps)]
    if trained is None:
        return [*rows, row("next action, trained run", NOT_MEASURED, "",
                           "python -m benchmarks.star next_action")]  # fmt: skip
    return rows + _told("trained run", trained.__getitem__, steps)


def predicted(run: Path, steps: Steps) -> dict[str, list[str]] | None:
    """The best action for each step by part, refused or not; None where there is no run."""
    if not run.exists():
        return None
    model = IntentModel(run, lambda name: shared_encoder(name, threads=1), threads=1)
    return {
        part: [
            each.top[0][0] for each in model.next_actions([step.situation for step in steps[part]])
        ]
        for part in ("validation", "test")
    }


def _told(name: str, answers: Callable[[str], list[str]], steps: Steps) -> list[dict[str, Any]]:
    names = ("validation", "test")
    gold = {part: np.array([step.action for step in steps[part]]) for part in names}
    said = {part: np.array(answers(part)) for part in names}
    right = {part: said[part] == gold[part] for part in names}
    happy = np.array([step.happy for step in steps["test"]])
    rare = np.array([step.action not in COMMON for step in steps["test"]])
    f1, validation = (_f1(gold[part], said[part]) for part in ("test", "validation"))
    of_path = [_f1(gold["test"][rows], said["test"][rows]) for rows in (happy, ~happy)]
    return [
        row(f"next action, {name}: accuracy", float(right["test"].mean()), "",
            f"validation {right['validation'].mean():.4f}; happy dialogues "
            f"{_mean(right['test'][happy])}, unhappy {_mean(right['test'][~happy])}; without the "
            f"steps of every task {_mean(right['test'][rare])}"),
        row(f"next action, {name}: weighted F1", f1, "",
            f"validation {validation:.4f}; happy dialogues {of_path[0]:.4f}, "
            f"unhappy {of_path[1]:.4f}"),
    ]  # fmt: skip


def _f1(gold: NDArray[Any], said: NDArray[Any]) -> float:
    if not len(gold):
        return 0.0
    return float(f1_score(gold, said, average="weighted", zero_division=0))


def _mean(values: NDArray[np.bool_]) -> str:
    return f"{values.mean():.4f}" if len(values) else "none"


def _linear(steps: Steps, part: str, words: int) -> _Linear:
    """Fit on the last words of the contexts of a part."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LinearSVC(C=0.5, random_state=0)
    target = [step.action for step in steps[part]]
    model.fit(vectorizer.fit_transform(_ends(steps[part], words)), target)
    said = {
        name: list(model.predict(vectorizer.transform(_ends(steps[name], words))))
        for name in ("validation", "test")
    }
    return _Linear(words, said)


def _on(steps: Steps) -> Callable[[_Linear], float]:
    """Accuracy on validation: what the length of context is chosen by."""
    gold = np.array([step.action for step in steps["validation"]])
    return lambda model: float(np.mean(np.array(model.said["validation"]) == gold))


def _ends(steps: Sequence[Step], words: int) -> list[str]:
    return [" ".join(step.text.split()[-words:]) for step in steps]
