"""What an index is fitted on: read before anything is written; a mistake then changes nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.encoders import Encoder
from retrieval.decision import Fit
from retrieval.evaluate import fitted
from retrieval.index import Index
from retrieval.manifest import Manifest
from retrieval.questions import Question, read_questions
from retrieval.topics import LabelledTurns, read_labelled_turns


@dataclass(frozen=True, slots=True)
class FitOn:
    """Fits an index on labelled questions that are read before anything is written."""

    questions: list[Question]
    name: str
    turns: LabelledTurns | None

    @property
    def relevant(self) -> set[str]:
        """The ids that answer them."""
        return {each for question in self.questions for each in question.relevant}

    def __call__(self, index: Index) -> Fit:
        """What is fitted; the FAQ alone is searched where it has all that answers."""
        right = map(index.passage, index.places(self.relevant).tolist())
        kinds = {passage.metadata.get("kind") for passage in right}
        only = {"faq"} if kinds == {"faq"} else None
        return fitted(index, self.questions, self.name, kinds=only, turns=self.turns)


def fit_on(labelled: Path | None, topics: Path | None, encoder: Encoder) -> FitOn | None:
    """Labelled questions, with labelled turns where they are given; None without questions."""
    if labelled is None:
        return None
    questions = read_questions(labelled)
    turns = None if topics is None else read_labelled_turns(topics, encoder)
    return FitOn(questions, labelled.name, turns)


def weights(manifest: Manifest) -> dict[str, Any]:
    """What came out of a fit."""
    return {
        "dense_weight": manifest.dense_weight, "whole": manifest.whole,
        "focused": manifest.fusion.focused, "topics": manifest.topic_weight,
        "threshold": manifest.threshold, "margin": manifest.margin,
    }  # fmt: skip
