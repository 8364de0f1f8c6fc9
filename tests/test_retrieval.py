import subprocess
import sys
import unicodedata

import numpy as np
import pytest

import retrieval.lexical
from data.errors import LogFormatError
from retrieval.dense import ExactVectors
from retrieval.filters import Filter
from retrieval.fusion import DENSE_ONLY, WORDS_ONLY, Fusion
from retrieval.index import open_index
from retrieval.lexical import LexicalQuery, Words, words_of, write_words
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.shop import SHOP, asked, ids


@pytest.fixture
def index(tmp_path):
    return build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")


# Dense and lexical search


def test_dense_search_gives_the_nearest_first_and_at_most_k():
    vectors = np.eye(4, dtype=np.float32)
    question = np.array([0.1, 0.9, 0.4, 0.0], dtype=np.float32)
    rows, cosines = ExactVectors(vectors).search(question, 3)
    assert rows.tolist() == [1, 2, 0]
    assert cosines.tolist() == pytest.approx([0.9, 0.4, 0.1])
    assert len(ExactVectors(vectors).search(question, 99)[0]) == 4


def test_dense_search_keeps_to_the_rows_that_are_admitted():
    vectors = np.eye(8, dtype=np.float32)
    question = np.arange(8, dtype=np.float32)
    for wanted in ([2], [1, 3, 4, 5, 6], []):
        admitted = np.isin(np.arange(8), wanted)
        assert ExactVectors(vectors).search(question, 5, admitted)[0].tolist() == wanted[::-1]


def test_words_are_lower_cased_and_lose_their_plural_s():
    assert words_of("Glass MUGS, Gas-fired: it's 24 buses_now") == [
        "glass", "mug", "gas", "fired", "it", "s", "24", "buse", "now"]  # fmt: skip


TEXTS = ["red mugs", "red red plates", "blue throw", ""]


def matching(folder, texts, question):
    if not folder.exists():
        write_words(folder, texts)
    words = Words(folder, len(texts))
    query = LexicalQuery(question, [words])
    rows = words.best(query, 9)
    return rows[np.argsort(-words.of(rows, query), kind="stable")].tolist()


def test_lexical_search_gives_rows_that_share_a_word_best_first(tmp_path):
    assert matching(tmp_path / "words", TEXTS, "red plate") == [1, 0]
    assert matching(tmp_path / "words", TEXTS, "nothing here") == []
    assert matching(tmp_path / "words", TEXTS, "") == []
    assert matching(tmp_path / "none", ["", "!"], "red") == []


def test_scores_are_those_of_bm25s(tmp_path):
    import bm25s

    texts = [f"{'mug ' * (n % 3)} plate number {n % 7} and {n % 4} mugs" for n in range(40)]
    bm25 = bm25s.BM25()
    bm25.index([words_of(text) for text in texts], show_progress=False)
    write_words(tmp_path / "words", texts)
    words = Words(tmp_path / "words", len(texts))
    for question in ("mug plate 3", "number number", "zebra mug"):
        query = LexicalQuery(question, [words])
        ours = words.of(np.arange(40), query)
        assert ours == pytest.approx(bm25.get_scores(words_of(question)), rel=1e-5)


def test_a_word_is_as_rare_as_it_is_in_all_segments(tmp_path):
    whole = [f"plate number{n} {'mug' if n % 9 == 0 else 'bowl'}" for n in range(90)]
    parts = [whole[:81], whole[81:]]
    write_words(tmp_path / "whole", whole)
    for place, texts in enumerate(parts):
        write_words(tmp_path / str(place), texts)
    one = Words(tmp_path / "whole", len(whole))
    two = [Words(tmp_path / str(place), len(texts)) for place, texts in enumerate(parts)]
    query, parted = LexicalQuery("a mug plate", [one]), LexicalQuery("a mug plate", two)
    together = np.concatenate([each.of(np.arange(each.rows), parted) for each in two])
    assert together == pytest.approx(one.of(np.arange(90), query), rel=1e-5)


def test_common_words_of_a_question_bring_no_rows_in_a_large_segment(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    texts = [f"the plate {'the ' * (n % 5)} number{rng.integers(9)} a{n % 50}" for n in range(400)]
    write_words(tmp_path / "words", texts)
    words = Words(tmp_path / "words", len(texts))
    for question in ("the number3 plate a7", "the plate", "the the", "number3"):
        query = LexicalQuery(question, [words])
        scores = words.of(np.arange(400), query)
        exact = np.sort(scores)[::-1][:8]
        admitted = np.arange(400) % 2 == 0
        for read in (10**6, 50):
            monkeypatch.setattr(retrieval.lexical, "_READ", read)
            assert np.sort(scores[words.best(query, 8)])[::-1] == pytest.approx(exact, abs=1e-5)
            assert not set(words.best(query, 8, admitted).tolist()) & set(range(1, 400, 2))


def test_chinese_is_cut_into_words_and_characters_and_other_text_is_left_as_it_was():
    assert words_of("我想退货policies, 订单12号 mugs") == [
        "我", "想", "退", "货", "退货", "policie",
        "订", "单", "订单", "12", "号", "mug",
    ]  # fmt: skip
    assert words_of("") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ru\u0308ckgabe der Mu\u0308tzen", ["rückgabe", "der", "mützen"]),
        ("ＶＩＰ会员 １２３", ["vip", "会", "员", "会员", "123"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("İstanbul ﬁsh", ["i\u0307stanbul", "fish"]),
        ("Brand™ 20℃ ❤️ 1️⃣ a_b", ["brand", "20", "1", "a", "b"]),
        ("สวัสดีครับ", ["สว", "สด", "คร", "บ"]),
        ("½ — “naïve”", ["1", "2", "naïve"]),
    ],
)
def test_a_letter_is_the_same_however_it_is_written(text, words):
    assert words_of(text) == words
    assert words_of(unicodedata.normalize("NFC", text)) == words


def test_no_word_of_jieba_is_imported_or_said_before_chinese_is_met():
    code = (
        "import sys; from retrieval.lexical import words_of; words_of('mugs'); "
        "assert 'jieba' not in sys.modules; words_of('退货'); assert 'jieba' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


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
    policy, log = Filter.of({"kind": "policy"}), Filter.of({"kind": {"conversation"}})
    assert ids(index.search("where is my parcel", 5, where=policy)) == ["warranty"]
    assert index.search("where is my parcel", 5, where=log) == []


@pytest.mark.parametrize("weight", [DENSE_ONLY, 0.5])
@pytest.mark.parametrize("question", ["", "   ", "zzz qqq", "?!", "🙂"])
def test_a_question_without_known_words_is_searched_without_fail(index, weight, question):
    index.refit(by_hand(weight, 0.5))
    found = index.search(question)
    assert all(0 <= passage.score < 0.5 for passage in found)
    assert not index.answerable(found)


def test_words_count_in_a_fused_score(index):
    vector = HashEncoder().encode(["where is my parcel"])[0]
    places = []
    for weight in (DENSE_ONLY, Fusion(0.9), WORDS_ONLY):
        found = index.weighted(weight).search("long warranty", 4, vector=vector)
        places.append(ids(found).index("warranty"))
        if weight == DENSE_ONLY:
            assert found[0].id == "parcel"
    assert places[0] > places[-1] == 0


def test_an_opened_index_finds_what_the_built_one_found(index):
    index.refit(by_hand(0.6, 0.3))
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest == index.manifest
    for question in ("refund arrive", "gift card", "long", ""):
        assert opened.search(question) == index.search(question)


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
