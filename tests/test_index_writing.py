import errno
import json
import os
import sys
import threading
import time

import pytest

import retrieval.columns
import retrieval.dense
import retrieval.durable
import retrieval.index
import retrieval.lexical
import retrieval.manifest
import retrieval.segment
from data.errors import DeskhandError, IndexMismatchError, LogFormatError
from data.schema import Passage
from retrieval.compaction import MAX_SEGMENTS, small_ones
from retrieval.filters import Filter
from retrieval.fusion import WORDS_ONLY
from retrieval.index import open_index
from retrieval.manifest import read_manifest, writing
from retrieval.segment import Segment
from retrieval.writing import add, build_index, compact, delete, rollback
from tests.fakes import HashEncoder, by_hand
from tests.shop import SHOP, asked, faq, ids


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def index(tmp_path):
    known = [asked("did the courier lose my box", "parcel"), asked("money back", "refund")]
    return build_index(SHOP, HashEncoder(), "hash", tmp_path / "index", known)


def opened(index):
    return open_index(index.root, HashEncoder())


def held(index):
    return sorted(passage.id for passage in index.passages)


def found(index, question, k=5, **options):
    return [(p.id, round(p.score, 5)) for p in index.search(question, k, **options)]


NEW = [faq("repair", "who mends a broken lamp"), faq("boat", "do you sell boats")]
QUESTIONS = ("where is my parcel", "broken lamp", "did the courier lose my box", "gift", "")


def test_an_index_that_grew_finds_what_one_built_at_once_finds(index, tmp_path):
    grown = add(index, NEW)
    grown = add(delete(grown, ["gift"]), [faq("refund", "what became of my refund")])
    passages = [SHOP[1], SHOP[2], *NEW, faq("refund", "what became of my refund")]
    known = [asked("did the courier lose my box", "parcel")]
    whole = build_index(passages, HashEncoder(), "hash", tmp_path / "whole", known)
    assert held(grown) == held(opened(grown)) == held(whole)
    for question in QUESTIONS:
        assert dict(found(grown, question, 9)) == dict(found(whole, question, 9))
        assert found(opened(grown), question) == found(grown, question)
    together = compact(grown)
    assert len(together.segments) == 1
    assert len(together.segments[0].deleted) == 0
    for question in QUESTIONS:
        assert dict(found(opened(together), question, 9)) == dict(found(whole, question, 9))


def test_words_are_weighted_alike_in_one_segment_and_in_many(tmp_path):
    things = ["bowl" if n % 9 else "mug" for n in range(40)]
    passages = [faq(str(n), f"plate number{n} {thing}") for n, thing in enumerate(things)]
    whole = build_index(passages, HashEncoder(), "hash", tmp_path / "whole")
    grown = build_index(passages[:30], HashEncoder(), "hash", tmp_path / "grown")
    grown = add(grown, passages[30:])
    for question in ("mug plate", "number7 mug"):
        one, two = (dict(found(each.weighted(WORDS_ONLY), question, 40)) for each in (whole, grown))
        assert one == pytest.approx(two, abs=1e-3)


def lengths_apart():
    """Passages of which some are forty times as long as others, in words that they share."""
    return [
        faq(
            f"{n}",
            f"kettle number{n}",
            ("filler words " * (n % 5) * 10) + "descale vinegar " * (n % 3),
        )
        for n in range(30)
    ]


def by_words(index, question):
    return dict(found(opened(index).weighted(WORDS_ONLY), question, 99))


def test_words_score_alike_however_passages_of_any_length_are_parted(tmp_path):
    passages = lengths_apart()
    whole = build_index(passages, HashEncoder(), "hash", tmp_path / "whole")
    grown = build_index(passages[:3], HashEncoder(), "hash", tmp_path / "grown")
    for start in range(3, 30, 9):
        grown = add(grown, passages[start : start + 9])
    assert len(grown.segments) > 2
    for question in ("descale kettle", "number7 filler", "vinegar", "words words kettle"):
        assert by_words(grown, question) == pytest.approx(by_words(whole, question), abs=1e-4)


def test_merging_and_what_was_deleted_change_no_score(tmp_path):
    passages = lengths_apart()
    index = build_index(passages[:20], HashEncoder(), "hash", tmp_path / "index")
    index = delete(add(index, passages[20:]), [f"{n}" for n in range(30) if n % 4 == 0])
    whole = build_index(
        [p for p in passages if int(p.id) % 4], HashEncoder(), "hash", tmp_path / "whole"
    )
    for question in ("descale kettle", "number7 filler", "vinegar"):
        scores = by_words(index, question)
        assert scores == pytest.approx(by_words(whole, question), abs=1e-4)
        assert by_words(compact(index), question) == pytest.approx(scores, abs=1e-4)


def test_a_segment_from_before_lengths_were_kept_is_searched_as_it_was(tmp_path):
    index = build_index(lengths_apart(), HashEncoder(), "hash", tmp_path / "index")
    scores = by_words(index, "descale kettle")
    folder = index.root / index.manifest.segments[0].name
    (folder / "words" / "lengths.npy").unlink()
    about = json.loads((folder / "segment.json").read_text())
    del about["files"]["words/lengths.npy"], about["sums"]
    (folder / "segment.json").write_text(json.dumps(about))
    assert by_words(index, "descale kettle") == scores
    grown = add(opened(index), [faq("new", "a kettle to descale")])
    assert "new" in by_words(grown, "descale kettle")


def test_forgetting_leaves_nothing_of_what_was_deleted_and_no_version_to_go_back_to(index):
    def is_on_the_disk(text):
        files = [path for path in index.root.rglob("*") if path.is_file()]
        return any(text in path.read_bytes() for path in files)

    index = delete(index, ["refund"])
    assert is_on_the_disk(b"Five working days")
    compact(index)
    assert is_on_the_disk(b"Five working days")  # the version before is kept
    compact(index, forget=True)
    assert not is_on_the_disk(b"Five working days")
    assert not is_on_the_disk(b"money back")
    assert held(opened(index)) == ["gift", "parcel", "warranty"]
    with pytest.raises(IndexMismatchError, match="no earlier version is kept"):
        rollback(index.root)
    again = delete(index, ["gift"])
    assert len(compact(again, forget=True)) == 2
    assert not is_on_the_disk(b"Ten to 250")


def test_what_is_deleted_has_no_values_any_more(index):
    assert index.values("kind") == {"faq", "policy"}
    smaller = delete(index, ["warranty"])
    assert smaller.values("kind") == opened(index).values("kind") == {"faq"}
    assert smaller.values("colour") == set()


def test_many_filters_at_once_find_what_each_admits(tmp_path):
    passages = [
        Passage(str(n), f"text number {n}", metadata={"part": str(n % 20)}) for n in range(40)
    ]
    index = build_index(passages, HashEncoder(), "hash", tmp_path / "index")
    filters = [Filter.of({"part": str(n)}) for n in range(20)]

    class Switching(dict):
        """Lets another thread run between a look and what follows it."""

        def __contains__(self, key):
            there = super().__contains__(key)
            time.sleep(0)
            return there

        def __setitem__(self, key, value):
            time.sleep(0)
            super().__setitem__(key, value)

    segment = index.segments[0]
    segment._masks = Switching()
    wrong = []

    def search(first):
        for step in range(200):
            part = (first * 7 + step) % 20
            try:
                found = index.search("text", 9, where=filters[part])
                if {p.metadata["part"] for p in found} != {str(part)}:
                    wrong.append(part)
            except Exception as error:  # noqa: BLE001 - whatever a thread meets
                wrong.append(repr(error))

    threads = [threading.Thread(target=search, args=(number,)) for number in range(4)]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert wrong == []


def test_fit_and_sources_stay_when_passages_come(index):
    index.refit(by_hand(0.7, 0.4))
    grown = add(index, NEW, sources={"new.md": "1"})
    assert (grown.manifest.dense_weight, grown.manifest.threshold) == (0.7, 0.4)
    assert add(grown, [], sources={"b": "2"}).manifest.sources == {"new.md": "1", "b": "2"}


def test_a_question_of_a_passage_that_is_not_added_is_refused_and_nothing_is_written(index):
    with pytest.raises(LogFormatError, match="'nothing' is not indexed"):
        add(index, NEW, [asked("x", "nothing")])
    with pytest.raises(LogFormatError, match="id 'boat' occurs twice"):
        build_index([*NEW, NEW[1]], HashEncoder(), "hash", index.root)
    assert opened(index).manifest == index.manifest


def test_further_rows_lead_to_their_passage_and_stay_through_a_merge(tmp_path):
    rows = [("a sentence about kettles", "boat"), ("another one on spoons", "repair")]
    index = build_index(NEW, HashEncoder(), "hash", tmp_path / "index", extra_rows=rows)
    index = compact(delete(add(index, SHOP), ["repair"]))
    assert found(index, "a sentence about kettles", 1) == [("boat", 1.0)]
    assert [text for text, _ in index.segments[0].extras()] == ["a sentence about kettles"]


def test_an_old_version_goes_on_and_current_is_the_newest(index):
    old, again = opened(index), opened(index)
    assert old.current() is old
    grown = add(index, NEW)
    newest = old.current()
    assert held(newest) == held(grown)
    assert newest.segments[0] is old.segments[0]  # what has not changed is not opened again
    for _ in range(3):
        build_index(NEW, HashEncoder(), "hash", index.root)
    assert found(old, "where is my parcel", 1) == found(again, "where is my parcel", 1)
    assert held(old) == held(index) == sorted(ids(SHOP))  # its files are gone by name only


def test_a_newer_version_that_cannot_be_opened_does_not_stop_the_old_one(index, caplog):
    old = opened(index)
    build_index(NEW, HashEncoder("other-64"), "other", index.root)
    assert old.current() is old
    assert old.current().search("where is my parcel", 1)[0].id == "parcel"
    assert len(caplog.records) == 1


def test_a_reader_that_writers_overtake_begins_again(index, monkeypatch):
    overtaken = []

    def segment(root, entry, before):
        if not overtaken:
            overtaken.append(entry)
            for passages in (NEW, NEW[:1]):  # what the reader was about to open is gone then
                build_index(passages, HashEncoder(), "hash", root)
        return Segment(root, entry, before)

    monkeypatch.setattr(retrieval.index, "Segment", segment)
    assert held(opened(index)) == ["repair"]
    assert not (index.root / overtaken[0].name).exists()


def test_two_that_write_at_once_both_come_through(index):
    def write(number):
        for step in range(4):
            add(index, [faq(f"p{number}{step}", f"text {number} {step}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fresh = [f"p{number}{step}" for number in range(2) for step in range(4)]
    assert held(index.current()) == sorted([*ids(SHOP), *fresh])


def test_a_rollback_brings_back_the_version_before_and_once_more_takes_it_back(index):
    grown = add(index, NEW)
    assert rollback(index.root).version == 3
    assert held(opened(index)) == sorted(ids(SHOP))
    rollback(index.root)
    assert held(opened(index)) == held(grown)
    with pytest.raises(IndexMismatchError, match="no earlier version is kept"):
        rollback(build_index(SHOP, HashEncoder(), "hash", index.root.parent / "first").root)


def test_a_fit_is_no_version_to_roll_back_to(index):
    grown = add(index, NEW).refit(by_hand(0.5, 0.1))
    assert grown.manifest.previous == index.manifest.version
    rollback(index.root)
    assert held(opened(index)) == sorted(ids(SHOP))
    with pytest.raises(IndexMismatchError, match="changed since it was opened"):
        grown.refit(by_hand(0.4, 0.1))


def test_small_segments_are_merged_and_a_large_one_is_left_alone(index):
    passages = [faq(f"p{number}", f"word{number} of many") for number in range(12)]
    big = build_index(
        [*SHOP, *(faq(f"b{n}", f"big{n}") for n in range(40))], HashEncoder(), "hash", index.root
    )
    large = big.manifest.segments[0]
    for passage in passages:
        big = add(big, [passage])
        assert len(big.segments) <= MAX_SEGMENTS
        assert big.manifest.segments[0] == large
    for number in range(12):
        assert big.search(f"word{number} of many", 1)[0].id == f"p{number}"


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([1000, 1, 1, 1], {1, 2, 3}),
        ([1, 10, 100, 1000], {0, 1}),
        ([5, 5, 5, 30], {0, 1, 2, 3}),
        ([5, 5, 5, 31], {0, 1, 2}),
    ],
)
def test_which_segments_are_small(sizes, merged):
    assert small_ones(sizes) == merged


def test_only_one_writes_and_another_is_told_so_in_a_line(index):
    started, done = threading.Event(), threading.Event()

    def hold():
        with writing(index.root):
            started.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait(10)
    assert held(opened(index)) == sorted(ids(SHOP))  # readers do not wait
    try:
        with (
            pytest.raises(DeskhandError, match="another process is writing this index"),
            writing(index.root, wait_s=0.1),
        ):
            raise AssertionError
    finally:
        done.set()
        holder.join()
    assert "boat" in held(add(index, NEW))


def after(calls, real, counter):
    def fails(*arguments, **options):
        counter[0] += 1
        if counter[0] > calls:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    return fails


def failure_of(write):
    try:
        write()
    except DeskhandError as error:
        return str(error)
    return None


WRITES = {
    "build": lambda index: build_index(NEW, HashEncoder(), "hash", index.root),
    "add": lambda index: add(index, NEW, [asked("a mended lamp", "repair")]),
    "delete": lambda index: delete(index, ["gift"]),
    "compact": lambda index: compact(index),
    "refit": lambda index: index.refit(by_hand(0.5, 0.5)),
}


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("step", ["sync", "write_array", "write_pieces"])
def test_a_full_disk_is_said_in_one_line_and_leaves_the_old_index(index, verb, step, monkeypatch):
    index = add(index, [faq("third", "a third segment")], delete=["warranty"])
    before, names = held(index), {path.name for path in index.root.rglob("*")}
    modules = [m for m in (retrieval.durable, retrieval.segment, retrieval.manifest,
                           retrieval.dense, retrieval.lexical, retrieval.columns)
               if hasattr(m, step)]  # fmt: skip
    calls = counted = 0
    while True:
        counter = [0]
        with monkeypatch.context() as patch:
            for module in modules:
                patch.setattr(module, step, after(calls, getattr(module, step), counter))
            said = failure_of(lambda: WRITES[verb](opened(index)))
        if said is None:
            break
        assert "the disk is full" in said
        assert "\n" not in said
        counted += 1
        if read_manifest(index.root) != index.manifest:
            break  # the manifest was in its place already
        assert held(opened(index)) == before
        assert {path.name for path in index.root.rglob("*")} == names  # and nothing fills the disk
        calls += 4 if step == "sync" else 1
    assert counted >= (1 if step == "sync" or verb not in ("delete", "refit") else 0)
