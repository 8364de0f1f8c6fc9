import json
import shutil

import numpy as np
import pytest

import retrieval.index
from data.conversations import to_dict
from data.errors import IndexMismatchError, LogFormatError
from data.rows import BadRows, write_jsonl
from data.schema import Conversation, Passage, Turn
from retrieval.dense import DenseIndex
from retrieval.fusion import DENSE_ONLY
from retrieval.index import build_index, open_index
from retrieval.lexical import LexicalIndex, words_of
from retrieval.passages import MAX_CHARS, embedding_text, markdown_passages, read_passages
from retrieval.questions import Question, read_questions
from tests.fakes import HashEncoder

PAGE = """\
Read this first.

# Returns

All our rules.

## How long?
<!-- id: faq-7 -->
Thirty days.

## Costs

### Label
It is free.

### Empty

# Last
- one
- two
"""


def faq(identity, title, text="Yes.", kind="faq"):
    return Passage(identity, text, title, "faq.md#1", {"kind": kind})


SHOP = [
    faq("refund", "when does my refund arrive", "Five working days."),
    faq("parcel", "where is my parcel", "See the tracking page."),
    faq("warranty", "how long is the warranty", "Two years.", kind="policy"),
    faq("gift", "can i buy a gift card", "Ten to 250 pounds."),
]


@pytest.fixture
def index(tmp_path):
    return build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")


def asked(text, *relevant):
    return Question(text, frozenset(relevant))


def ids(passages):
    return [passage.id for passage in passages]


# Passages


def test_each_heading_with_text_below_it_is_a_passage():
    passages = list(markdown_passages(PAGE, "shop/rules.md"))
    assert [(p.id, p.title, p.text, p.source, p.metadata["kind"]) for p in passages] == [
        ("shop/rules-1", "rules", "Read this first.", "shop/rules.md#1", "policy"),
        ("shop/rules-3", "Returns", "All our rules.", "shop/rules.md#3", "policy"),
        ("faq-7", "How long?", "Thirty days.", "shop/rules.md#7", "faq"),
        ("shop/rules-13", "Returns › Costs › Label", "It is free.", "shop/rules.md#13", "policy"),
        ("shop/rules-18", "Last", "- one\n- two", "shop/rules.md#18", "policy"),
    ]


def test_a_question_among_the_headings_of_a_page_of_rules_makes_no_faq_entry():
    page = "# Rules\n## Returns\nA.\n## What if it is late?\nB.\n## Costs\nC.\n"
    assert {p.metadata["kind"] for p in markdown_passages(page, "rules.md")} == {"policy"}
    faq = "# Questions\n## Late?\nA.\n## Free?\nB.\n"
    assert {p.metadata["kind"] for p in markdown_passages(faq, "faq.md")} == {"faq"}


def test_a_long_section_is_split_at_sentence_ends_and_loses_no_word():
    sentences = [f"Sentence number {number} says a little about it." for number in range(80)]
    text = "# Long?\n<!-- id: long -->\n" + "\n\n".join(sentences)
    passages = list(markdown_passages(text, "a.md"))
    assert ids(passages) == [f"long.{number}" for number in range(1, len(passages) + 1)]
    assert len(passages) > 3
    assert all(len(passage.text) <= MAX_CHARS for passage in passages)
    assert " ".join(passage.text for passage in passages) == " ".join(sentences)


def test_a_folder_is_read_with_its_sub_folders_and_without_what_holds_no_passages(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.md").write_text(f"# {name}\nText of {name}.\n", "utf-8")
    (tmp_path / "Top.MD").write_text("# Top\nText.\n", "utf-8")
    (tmp_path / "README.md").write_text("# About\nNot for customers.\n", "utf-8")
    write_jsonl(tmp_path / "dropped.jsonl", [{"where": "x", "why": "y"}])
    (tmp_path / "validation.jsonl").touch()
    (tmp_path / "notes.txt").write_text("x", "utf-8")
    assert [(p.id, p.source) for p in read_passages([tmp_path])] == [
        ("Top-1", "Top.MD#1"),
        ("a/index-1", "a/index.md#1"),
        ("b/index-1", "b/index.md#1"),
    ]


def test_two_passages_of_one_id_are_refused_with_both_places(tmp_path):
    text = "# A?\n<!-- id: x -->\nYes.\n"
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(LogFormatError, match=r"two\.md: passage id 'x' occurs twice.*one\.md#1"):
        read_passages([tmp_path])


def test_an_faq_table_is_read_and_its_bad_rows_are_noted_or_refused(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text("Question,Answer,id\nHow?,So.,\nWhy?,,\nWho?,I.,me\na,b\n", "utf-8")
    bad = BadRows()
    passages = read_passages([path], bad)
    assert [(p.id, p.title, p.text, p.source) for p in passages] == [
        ("faq-1", "How?", "So.", f"{path}:2"),
        ("me", "Who?", "I.", f"{path}:4"),
    ]
    assert [where for where, _ in bad.rows] == [f"{path}:3", f"{path}:5"]
    with pytest.raises(LogFormatError, match=r"faq\.csv:3: no question or no answer"):
        read_passages([path])


def test_a_table_without_question_and_answer_says_what_it_found(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text("q,a\nHow?,So.\n", "utf-8")
    with pytest.raises(LogFormatError, match="question and answer are needed; found: q, a"):
        read_passages([path], BadRows())


def test_a_conversation_is_found_by_its_question_alone(tmp_path):
    answer = "You can send it back within thirty days of delivery with the label we printed"
    turns = (Turn("customer", "too small"), Turn("agent", answer))
    write_jsonl(tmp_path / "log.jsonl", [to_dict(Conversation("c1", turns))])
    (passage,) = read_passages([tmp_path / "log.jsonl"])
    assert (passage.text, embedding_text(passage)) == (answer, "too small")
    assert embedding_text(faq("x", "How?", "So.")) == "How?\nSo."


def test_nothing_to_read_says_so(tmp_path):
    (tmp_path / "a.md").write_text("# Only a heading\n", "utf-8")
    with pytest.raises(LogFormatError, match="no passage found"):
        read_passages([tmp_path / "a.md"])
    with pytest.raises(LogFormatError, match="no such file"):
        read_passages([tmp_path / "b.md"])
    with pytest.raises(LogFormatError, match="unknown kind of file"):
        read_passages([write(tmp_path / "a.pdf", "x")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(LogFormatError, match="in this folder"):
        read_passages([tmp_path / "empty"])


def write(path, text):
    path.write_text(text, "utf-8")
    return path


# Dense and lexical search


def test_dense_search_gives_the_nearest_first_and_at_most_k():
    vectors = np.eye(4, dtype=np.float32)
    question = np.array([0.1, 0.9, 0.4, 0.0], dtype=np.float32)
    found = DenseIndex(vectors).search(question, 3)
    assert [row for row, _ in found] == [1, 2, 0]
    assert [score for _, score in found] == pytest.approx([0.9, 0.4, 0.1])
    assert len(DenseIndex(vectors).search(question, 99)) == 4


def test_words_are_lower_cased_and_lose_their_plural_s():
    assert words_of("Glass MUGS, Gas-fired: it's 24 buses_now") == [
        "glass", "mug", "gas", "fired", "it", "s", "24", "buse", "now"]  # fmt: skip


def test_lexical_search_gives_rows_that_share_a_word_best_first():
    lexical = LexicalIndex.build(["red mugs", "red red plates", "blue throw", ""])
    assert [row for row, _ in lexical.search("red plate", 5)] == [1, 0]
    assert [row for row, _ in lexical.search("red plate", 1)] == [1]
    assert lexical.search("nothing here", 5) == []
    assert lexical.search("", 5) == []


def test_lexical_search_is_the_same_after_saving(tmp_path):
    lexical = LexicalIndex.build(["red mugs", "red red plates", "blue throw", ""])
    lexical.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    assert loaded.size == 4
    for question in ("red plates", "blue", "unknown"):
        assert loaded.search(question, 5) == lexical.search(question, 5)


# The index


def test_search_gives_the_best_first_and_at_most_k(index):
    found = index.search("where is my parcel", 3)
    assert found[0].id == "parcel"
    assert len(found) == 3
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert len(index.search("where is my parcel", 99)) == len(SHOP)


def test_search_keeps_to_the_kinds_that_are_asked_for(index):
    assert ids(index.search("where is my parcel", 5, kinds={"policy"})) == ["warranty"]
    assert index.search("where is my parcel", 5, kinds={"conversation"}) == []


@pytest.mark.parametrize("weight", [DENSE_ONLY, 0.5])
@pytest.mark.parametrize("question", ["", "   ", "zzz qqq", "?!", "🙂"])
def test_a_question_without_known_words_is_searched_without_fail(index, weight, question):
    index.refit(weight, 0.5, "test")
    found = index.search(question)
    assert all(0 <= passage.score < 0.5 for passage in found)
    assert not index.answerable(found)


def test_words_count_in_a_fused_score(index):
    vector = HashEncoder().encode(["where is my parcel"])[0]
    places = []
    for weight in (DENSE_ONLY, 0.9, 0.0):
        found = index.weighted(weight).search("long warranty", 4, vector=vector)
        places.append(ids(found).index("warranty"))
        if weight == DENSE_ONLY:
            assert found[0].id == "parcel"
    assert places[0] > places[-1] == 0


def test_an_opened_index_finds_what_the_built_one_found(index):
    index.refit(0.6, 0.3, "test")
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest == index.manifest
    for question in ("refund arrive", "gift card", "long", ""):
        assert opened.search(question) == index.search(question)


def test_an_index_of_another_encoder_is_refused_with_both_fingerprints(index):
    with pytest.raises(
        IndexMismatchError, match=r"weights hash-64\), opened with weights other-64"
    ):
        open_index(index.root, HashEncoder("other-64"))


def files_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("damage", ["delete", "empty", "halve", "garbage"])
def test_an_index_with_any_file_broken_is_refused_in_one_line(index, damage):
    names = sorted(files_of(index.root))
    assert {"manifest.json"} < set(names)
    for name in names:
        path = index.root / name
        kept = path.read_bytes()
        if damage == "delete":
            path.unlink()
        else:
            broken = {"empty": b"", "halve": kept[: len(kept) // 2], "garbage": b"\xff\x00[" * 9}
            path.write_bytes(broken[damage])
        with pytest.raises(IndexMismatchError) as error:
            open_index(index.root, HashEncoder())
        assert "\n" not in str(error.value), name
        path.write_bytes(kept)
    assert ids(open_index(index.root, HashEncoder()).search("my parcel", 1)) == ["parcel"]


@pytest.mark.parametrize(
    "values", [[], {}, {"format": 99}, {"format": 1}, {"format": 1, "segments": ["x"], "new": 1}]
)
def test_a_manifest_of_another_format_is_refused(index, values):
    (index.root / "manifest.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(IndexMismatchError):
        open_index(index.root, HashEncoder())


def test_an_index_whose_parts_differ_in_length_is_refused(index, tmp_path):
    other = build_index(SHOP[:2], HashEncoder(), "hash", tmp_path / "other")
    segment = index.root / index.manifest.segments[0]
    for name in ("vectors.npy", "owners.npy", "passages.jsonl"):
        kept = (segment / name).read_bytes()
        shutil.copy(other.root / other.manifest.segments[0] / name, segment / name)
        with pytest.raises(IndexMismatchError, match="differ in length"):
            open_index(index.root, HashEncoder())
        (segment / name).write_bytes(kept)


def test_no_index_and_a_folder_of_other_things_are_refused(tmp_path):
    with pytest.raises(IndexMismatchError, match="no index here"):
        open_index(tmp_path / "none", HashEncoder())
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(IndexMismatchError, match="is not an index"):
        build_index(SHOP, HashEncoder(), "hash", tmp_path)
    with pytest.raises(IndexMismatchError, match="is not an index"):
        build_index(SHOP, HashEncoder(), "hash", tmp_path / "photo.jpg")
    assert ids(read_passages([write(tmp_path / "a.md", "# A?\nYes.\n")])) == ["a-1"]


class Killed(BaseException):
    """Stands for a kill: no code may catch it."""


def kill(*_, **__):
    raise Killed


@pytest.fixture
def killed_before_manifest(monkeypatch):
    """Building dies when all of the segment is written, and before the manifest is."""
    with monkeypatch.context() as patch:
        patch.setattr(retrieval.index, "_write_manifest", kill)
        yield patch


def test_a_crash_before_the_manifest_leaves_the_old_index(index, killed_before_manifest):
    before = ids(index.search("gift card"))
    with pytest.raises(Killed):
        build_index(SHOP[:1], HashEncoder(), "hash", index.root)
    killed_before_manifest.undo()
    assert len(list(index.root.glob("segment-*"))) == 2
    assert ids(open_index(index.root, HashEncoder()).search("gift card")) == before
    rebuilt = build_index(SHOP[:2], HashEncoder(), "hash", index.root)
    assert [path.name for path in index.root.glob("segment-*")] == list(rebuilt.manifest.segments)


def test_a_crash_of_the_first_build_does_not_stand_in_the_way_of_the_next(
    tmp_path, killed_before_manifest
):
    with pytest.raises(Killed):
        build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    killed_before_manifest.undo()
    with pytest.raises(IndexMismatchError, match="no index here"):
        open_index(tmp_path / "index", HashEncoder())
    build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")
    assert len(open_index(tmp_path / "index", HashEncoder()).passages) == len(SHOP)
    assert len(list((tmp_path / "index").glob("segment-*"))) == 1


def test_a_rebuild_leaves_nothing_of_the_old_index(index):
    old = index.manifest.segments
    new = build_index(SHOP[:1], HashEncoder(), "hash", index.root)
    names = {path.name for path in index.root.iterdir()}
    assert names == {"manifest.json", *new.manifest.segments}
    assert not names & set(old)


def test_a_known_question_leads_to_the_passage_that_answers_it(tmp_path):
    known = [asked("did the courier lose my box", "parcel"), asked("money back", "refund", "gift")]
    index = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index", known)
    opened = open_index(index.root, HashEncoder())
    for found in (index, opened):
        (best, *others) = found.search("did the courier lose my box", 5)
        assert (best.id, best.text) == ("parcel", "See the tracking page.")
        assert best.score == pytest.approx(1)
        assert sorted(ids([best, *others])) == sorted(ids(SHOP))
        assert set(ids(found.search("money back", 2))) == {"refund", "gift"}
    with pytest.raises(LogFormatError, match="passage 'nothing' is not indexed"):
        build_index(SHOP, HashEncoder(), "hash", tmp_path / "index", [asked("x", "nothing")])
    assert open_index(index.root, HashEncoder()).manifest == index.manifest


def test_questions_are_read_and_a_bad_one_is_named(tmp_path):
    path = tmp_path / "questions.jsonl"
    write_jsonl(path, [{"question": "a", "relevant": ["x", 7]}, {"question": "b"}])
    assert read_questions(path) == [asked("a", "x", "7"), asked("b")]
    for row in ({"relevant": ["x"]}, {"question": "a", "relevant": "x"}):
        write_jsonl(path, [{"question": "a"}, row])
        with pytest.raises(LogFormatError, match=r"questions\.jsonl:2: "):
            read_questions(path)
