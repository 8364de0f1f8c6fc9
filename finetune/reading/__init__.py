"""Labelled files into Examples: tables of labels, spans in texts, conversations."""

from finetune.reading.labels import read_labelled
from finetune.reading.relations import read_relations
from finetune.reading.spans import read_entities
from finetune.reading.splits import Splits, carve, read_splits
from finetune.reading.squad import read_questions_on_passages
from finetune.reading.steps import read_steps
from finetune.reading.talk import conversation_of, read_replies

__all__ = [
    "Splits",
    "carve",
    "conversation_of",
    "read_entities",
    "read_labelled",
    "read_questions_on_passages",
    "read_relations",
    "read_replies",
    "read_splits",
    "read_steps",
]
