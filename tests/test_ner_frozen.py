"""The frozen head that an ner run is compared with reads what the run reads."""

import pytest

from data.schema import Entity, Example
from finetune.ner import frozen
from finetune.ner.frozen import frozen_scorer
from finetune.ner.model import WINDOW_CHARS, windows_of
from finetune.tags import tag_names
from tests.conftest import ner_rows, small


def examples():
    for row in ner_rows():
        entities = [
            Entity(
                each["type"], row["text"][each["start"] : each["end"]], each["start"], each["end"]
            )
            for each in row["entities"]
        ]
        yield Example(row["text"], entities=tuple(entities))


def joined(rows, times):
    """The rows as one text, and again; entities where they are then."""
    text, entities = "", []
    for row in [*rows] * times:
        entities += [
            Entity(each.type, each.text, each.start + len(text), each.end + len(text))
            for each in row.entities
        ]
        text += row.text + "\n"
    return Example(text.strip(), entities=tuple(entities))


@pytest.mark.parametrize("times", [1, 4])
def test_it_reads_a_long_text_to_its_end(times, tiny, monkeypatch):
    rows, seen = list(examples()), []
    score = frozen_scorer(small("ner", tiny, "full"), rows, tag_names(["order", "thing"]))
    monkeypatch.setattr(frozen, "score_entities", lambda rows, found: seen.extend(found))
    long = joined(rows, times)
    score([long])
    last = max(entity.end for entity in seen[0])
    assert last > len(long.text) - 100  # 32 tokens, which training reads, are its first line
    assert all(long.text[each.start : each.end] == each.text for each in seen[0])
    assert len(joined(rows, 4).text) > WINDOW_CHARS


def test_texts_without_a_word_have_no_entity(tiny):
    rows = list(examples())
    score = frozen_scorer(small("ner", tiny, "full"), rows, tag_names(["order", "thing"]))
    assert score([Example(""), Example("  "), rows[0]]).errors == score([rows[0]]).errors


def test_a_piece_with_too_many_tokens_is_halved_at_white_space():
    text = "one two three four"
    pieces = windows_of([text, ""], lambda pieces: [len(piece.split()) > 2 for piece in pieces])
    assert all(text[start : start + len(piece)] == piece for _, start, piece in pieces)
    assert "".join(piece for _, _, piece in pieces) == text
    assert all(len(piece.split()) <= 2 for _, _, piece in pieces)
