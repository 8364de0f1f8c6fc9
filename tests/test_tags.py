"""Spans to tags and back, the best valid path, and word shapes."""

from itertools import pairwise

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from data.schema import Entity
from finetune.ner.shapes import CHUNK_SHAPES, OWN_SHAPES, shape_ids
from finetune.tags import IGNORE, allowed, best_path, spans_of, tag_names, tags_for

TAGS = tag_names(["city", "order"])
IDS = {tag: place for place, tag in enumerate(TAGS)}


def entity(kind, start, end):
    return Entity(kind, "x" * (end - start), start, end)


def names(entities, offsets):
    return [tag if tag == IGNORE else TAGS[tag] for tag in tags_for(entities, offsets, IDS)]


def test_tag_names_begin_with_o():
    assert TAGS == ["O", "B-city", "I-city", "B-order", "I-order"]


def test_tokens_that_share_a_character_belong_to_the_entity():
    offsets = [(0, 0), (0, 2), (3, 6), (6, 7), (8, 12), (0, 0)]
    found = names([entity("order", 4, 7), entity("city", 8, 12)], offsets)
    assert found == [IGNORE, "O", "B-order", "I-order", "B-city", IGNORE]


def test_neighbours_of_one_type_stay_apart_and_order_does_not_matter():
    offsets = [(0, 2), (2, 4), (4, 6)]
    found = names([entity("city", 2, 6), entity("city", 0, 2)], offsets)
    assert found == ["B-city", "B-city", "I-city"]


def test_what_truncation_cut_off_has_no_tag():
    assert names([entity("city", 0, 4), entity("order", 90, 95)], [(0, 4)]) == ["B-city"]
    assert names([entity("city", 2, 50)], [(0, 1), (2, 4)]) == ["O", "B-city"]
    assert names([], []) == []


def test_overlapping_entities_are_refused():
    with pytest.raises(ValueError, match="'city' and 'order' overlap at 3"):
        tags_for([entity("order", 3, 9), entity("city", 0, 4)], [(0, 9)], IDS)


def test_spans_of_joins_trims_and_keeps_the_least_confidence():
    text = "to New York, order AB-1."
    offsets = [(0, 2), (3, 6), (7, 12), (13, 18), (19, 24)]
    tags = ["O", "B-city", "I-city", "O", "B-order"]
    found = spans_of(text, offsets, tags, [1, 0.9, 0.6, 1, 0.8])
    assert found == [
        Entity("city", "New York", 3, 11, 0.6),
        Entity("order", "AB-1", 19, 23, 0.8),
    ]


def test_a_mark_that_is_a_token_of_its_own_is_what_its_tag_says():
    text = "the U.S. (now)"
    offsets = [(0, 3), (4, 5), (5, 6), (6, 7), (7, 8), (9, 10), (10, 13), (13, 14)]
    tags = ["O", "B-city", "I-city", "I-city", "I-city", "O", "B-city", "O"]
    assert [each.text for each in spans_of(text, offsets, tags, [1] * 8)] == ["U.S.", "now"]
    tags[4] = "O"
    assert [each.text for each in spans_of(text, offsets, tags, [1] * 8)] == ["U.S", "now"]


def test_an_i_that_follows_nothing_of_its_type_begins_a_span():
    offsets = [(0, 1), (2, 3), (4, 5), (6, 7)]
    found = spans_of("a b c d", offsets, ["I-city", "O", "I-city", "I-order"], [1] * 4)
    assert [(each.type, each.start, each.end) for each in found] == [
        ("city", 0, 1),
        ("city", 4, 5),
        ("order", 6, 7),
    ]


def test_a_span_of_signs_alone_is_none():
    assert spans_of("a , b", [(2, 3)], ["B-city"], [1.0]) == []


def test_tags_and_spans_are_inverse():
    text = "from New York to Bern with AB-12"
    entities = [Entity("city", "New York", 5, 13), Entity("city", "Bern", 17, 21),
                Entity("order", "AB-12", 27, 32)]  # fmt: skip
    offsets = [(0, 4), (5, 8), (9, 13), (14, 16), (17, 21), (22, 26), (27, 29), (29, 30), (30, 32)]
    assert spans_of(text, offsets, names(entities, offsets), [1.0] * 9) == entities


def test_the_best_path_is_valid_and_best_of_all():
    generator = np.random.default_rng(0)
    transitions = allowed(TAGS)
    for _ in range(30):
        scores = np.log(generator.dirichlet(np.ones(5), size=4))
        found = best_path(scores, transitions)
        best = max(
            np.ndindex(5, 5, 5, 5),
            key=lambda path: (
                sum(scores[step, tag] for step, tag in enumerate(path))
                + transitions[0, path[0]]
                + sum(transitions[a, b] for a, b in pairwise(path))
            ),
        )
        assert tuple(found) == best
        for before, after in pairwise(["O", *(TAGS[tag] for tag in found)]):
            assert after[0] != "I" or before[2:] == after[2:]
    assert best_path(np.zeros((0, 5)), transitions) == []


def test_an_i_never_begins_even_where_it_is_likeliest():
    scores = np.log(np.array([[0.01, 0.3, 0.67, 0.01, 0.01], [0.01, 0.01, 0.96, 0.01, 0.01]]))
    assert [TAGS[tag] for tag in best_path(scores, allowed(TAGS))] == ["B-city", "I-city"]


@pytest.fixture(scope="module")
def tokenizer():
    """A character-level WordPiece tokenizer with BERT's normalisation."""
    chars = [chr(code) for code in range(33, 127)]
    pieces = ["[UNK]", "[CLS]", "[SEP]", *chars, *(f"##{char}" for char in chars)]
    made = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made


ODD = [
    "", " ", "\u2028", "a\u00a0b", "👩‍👩‍👧 hi", "№5 ½ ² ٣٤ 一二", "İstanbul ǅ ß ﬁ", "e\u0301\u0301",
    "\u200d\u200b\ufeff", "#12345678901234567890 £$€ @ #", "\x00\x1c\x85 x", "𝟙𝟚𝟛 Ⅷ ①", "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_shapes_stay_within_their_tables(text, tokenizer):
    check_shapes(text, tokenizer)


def test_shapes_of_every_kind_of_character_stay_within_their_tables(tokenizer):
    chars = [chr(code) for code in range(1, 0x20000, 7) if not 0xD800 <= code < 0xE000]
    generator = np.random.default_rng(0)
    for _ in range(300):
        picked = generator.choice(chars, 40)
        check_shapes("".join(char + " " * (generator.random() < 0.2) for char in picked), tokenizer)


def check_shapes(text, tokenizer):
    encoding = tokenizer.encode(text)
    ids = shape_ids(text, encoding)
    assert ids.shape == (len(encoding.ids), 2)
    assert ids.dtype == np.int64
    assert (ids >= 0).all()
    assert (ids[:, 0] < OWN_SHAPES).all()
    assert (ids[:, 1] < CHUNK_SHAPES).all()
    assert not ids[0].any()
    assert not ids[-1].any()


def test_shapes_tell_what_lower_case_hides(tokenizer):
    def own(text):
        return shape_ids(text, tokenizer.encode(text))[1:-1, 0].tolist()

    def chunk(text):
        return set(shape_ids(text, tokenizer.encode(text))[1:-1, 1].tolist())

    assert own("a") != own("A")
    assert own("a") != own("1")
    assert len(chunk("dan@example.com")) == 1
    assert chunk("dan@example.com") != chunk("dan.example.com")
    assert (
        len(set().union(chunk("1"), chunk("12"), chunk("123456"), chunk("#12"), chunk("£12"))) == 5
    )
