import os
from datetime import date

import pytest

from data.schema import Passage
from retrieval.filters import Filter
from retrieval.passages import fingerprints, read_passages
from retrieval.stale import stale
from retrieval.writing import build_index, delete
from tests.fakes import HashEncoder
from tests.shop import faq, ids


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def test_passages_past_their_day_or_from_changed_files_are_stale(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("kept.md", "changed.md", "gone.md"):
        (folder / name).write_text(f"# {name}\nText.\n", "utf-8")
    passages = [Passage(name, "t", source=f"{name}.md#1") for name in ("kept", "changed", "gone")]
    passages += [
        Passage("old", "t", source="kept.md#2", metadata={"valid_until": "2026-03-01"}),
        Passage("soon", "t", source="kept.md#3", metadata={"valid_from": "2027-01-01"}),
        Passage("deleted", "t", source="gone.md#3", metadata={"valid_until": "2020-01-01"}),
    ]
    index = build_index(
        passages, HashEncoder(), "hash", tmp_path / "index", sources=fingerprints([folder])
    )
    index = delete(index, ["deleted"])
    (folder / "changed.md").write_text("# changed\nOther text.\n", "utf-8")
    (folder / "gone.md").unlink()

    def why(day, sources):
        return {each.passage.id: each.why for each in stale(index, sources, day)}

    now = fingerprints([folder])
    assert why(date(2026, 3, 1), now) == {"changed": "changed", "gone": "gone"}
    assert why(date(2026, 3, 2), now) == {"changed": "changed", "gone": "gone", "old": "expired"}
    assert why(date(2026, 3, 2), None) == {"old": "expired"}


def test_a_day_admits_what_is_valid_on_it_and_what_says_nothing(tmp_path):
    texts = {
        "always": {}, "then": {"valid_from": "2026-02-01", "valid_until": "2026-02-28"},
        "since": {"valid_from": "2026-02-10"}, "odd": {"valid_until": "soon"},
    }  # fmt: skip
    passages = [Passage(name, "mug", metadata=values) for name, values in texts.items()]
    index = build_index(passages, HashEncoder(), "hash", tmp_path / "index")

    def valid(day):
        return set(ids(index.search("mug", 9, where=Filter(valid_on=date.fromisoformat(day)))))

    assert valid("2026-01-31") == {"always", "odd"}
    assert valid("2026-02-01") == valid("2026-02-09") == {"always", "odd", "then"}
    assert valid("2026-02-28") == {"always", "odd", "then", "since"}
    assert valid("2026-03-01") == {"always", "odd", "since"}


def test_a_page_for_several_is_found_by_each_and_a_language_by_its_first_part(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    pages = {
        "both.md": "---\naudience: [retail, business]\nlanguage: [en-GB, de]\n---\n# A\nMug.\n",
        "us.html": "<html lang='en-US'><h1>A</h1><p>Mug.",
        "row.csv": "question,answer,audience,language\nMug?,Yes.,retail|staff,EN\n",
        "all.md": "# A\nMug.\n",
        "other.md": "---\naudience: retail store\nlanguage: enx\n---\n# A\nMug.\n",
    }
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")
    index = build_index(read_passages([folder]), HashEncoder(), "hash", tmp_path / "index")

    def found(**values):
        return {p.metadata["file"] for p in index.search("mug", 9, where=Filter.of(values))}

    assert found(audience="business") == {"both.md", "us.html", "all.md"}
    assert found(audience="retail") == {"both.md", "us.html", "all.md", "row.csv"}
    assert found(audience={"staff", "business"}) == {"both.md", "us.html", "all.md", "row.csv"}
    assert found(language="en") == {"both.md", "us.html", "all.md", "row.csv"}
    assert found(language="en_gb") == {"both.md", "all.md"}
    assert found(language="de") == {"both.md", "all.md"}
    assert found(source="both.md") == {"both.md"}


def test_of_one_source_come_at_most_so_many(tmp_path):
    passages = [faq(f"a{n}", f"mug number {n}") for n in range(6)]
    passages = [Passage(p.id, p.text, p.title, f"a.md#{n}") for n, p in enumerate(passages)]
    passages += [Passage("b", "plate", "plate", "b.csv:7"), Passage("c", "plate", "x", "c.md#1")]
    index = build_index(passages, HashEncoder(), "hash", tmp_path / "index")
    assert {p.source[0] for p in index.search("mug number", 3)} == {"a"}
    assert [p.source[0] for p in index.search("mug number", 4, per_source=2)][:2] == ["a", "a"]
    assert sorted(p.source[0] for p in index.search("mug", 9, per_source=1)) == ["a", "b", "c"]


def test_numbers_are_wanted_as_the_text_that_metadata_is():
    assert Filter.of({"page": 3}) == Filter.of({"page": "3"}) == Filter.of({"page": [3]})
