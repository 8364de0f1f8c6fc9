"""Cleaning, redaction and splitting of many conversations: in one process, in a pool, on Ray."""

import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from data.duplicates import groups, hash_of, signature
from data.engines import FEW, local, on_ray
from data.errors import ConfigError
from data.prepare import prepare
from data.process import Drop, Settings, processed
from data.schema import Conversation, Turn
from data.split import SPLITS, splits_of

SETTINGS = Settings(b"k" * 32)
LONG = "my kettle arrived with a crack along its base and it leaks on the counter all the time"


def talk(number, text=None, **more):
    turns = (
        Turn("customer", text or f"where is order FK-{100000 + number} please, it is late"),
        Turn("agent", "It is on its way and will be with you tomorrow."),
    )
    return Conversation(f"c{number}", turns, **more)


def test_one_conversation_becomes_another_or_a_drop():
    clean = processed(talk(1), SETTINGS)
    assert json.loads(clean.line)["labels"] == {"language": "en"}
    assert b"100001" not in clean.line
    silent = processed(Conversation("x", (Turn("customer", " "),)), SETTINGS)
    assert isinstance(silent, Drop)
    assert silent.why == "no text is left after cleaning"
    nobody = Conversation("x", (Turn("agent", "Chat ended"),))
    assert processed(nobody, SETTINGS).why == "nobody said anything in it"


def test_a_key_is_never_shown():
    assert "kkk" not in repr(SETTINGS)


def test_many_in_a_pool_are_what_one_process_gives_in_the_same_order():
    log = [talk(number) for number in range(FEW + 300)]
    log[7] = Conversation("empty", (Turn("customer", ""),))
    alone = list(local(iter(log), SETTINGS, None, workers=1))
    assert list(local(iter(log), SETTINGS, None, workers=2)) == alone
    assert isinstance(alone[7], Drop)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own, of its own settings
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_ray_gives_what_this_machine_gives():
    ray = pytest.importorskip("ray", reason="needs Ray: pip install deskhand[scale]")
    log = [talk(number) for number in range(400)]
    try:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError) as error:
        pytest.skip(f"Ray's processes do not start on this machine: {error}")
    try:
        assert list(on_ray(iter(log), SETTINGS, None)) == list(local(iter(log), SETTINGS, None))
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        logs = [path for path in (session / "logs").rglob("*") if path.is_file()]
        assert logs  # Ray keeps its own, and nobody's words may stand in them
        said = b"please, it is late"
        assert not any(said in path.read_bytes() for path in logs)
        with pytest.raises(ConfigError, match="--ner"):
            list(on_ray(iter(log), SETTINGS, object()))
    finally:
        ray.shutdown()


def test_results_travel_between_processes():
    done = processed(talk(1), SETTINGS)
    assert pickle.loads(pickle.dumps(done)) == done
    assert done.start is None


def test_texts_with_most_words_in_common_share_a_band_and_others_none():
    one, near = signature(LONG), signature(f"Hello, {LONG.upper()}!")
    other = signature(
        "the blue throw that I wanted to give to my aunt is out of stock in your shop"
    )
    assert set(one) & set(near)
    assert not set(one) & set(other)
    assert signature("hello there") == (0, 0, 0, 0)


def test_a_group_is_all_that_a_third_connects():
    keys = [np.array([1, 1, 0, 0, 5], dtype=np.uint64), np.array([9, 7, 7, 0, 0], dtype=np.uint64)]
    found = groups(keys)
    assert found[0] == found[1] == found[2]
    assert len({found[0], found[3], found[4]}) == 3


def test_a_group_is_never_torn_apart_and_shares_are_kept():
    ids = np.array([hash_of(str(n)) for n in range(4000)], dtype=np.uint64)
    group = np.arange(4000) // 2
    place = splits_of(ids, group)
    assert (place[::2] == place[1::2]).all()
    assert [round(float((place == n).mean()), 1) for n in (1, 2)] == [0.2, 0.2]  # the least of two
    place = splits_of(ids, np.arange(4000))
    assert [round(float((place == n).mean()), 1) for n in (1, 2)] == [0.1, 0.1]


def timed(number, day, text=None, customer=None):
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)
    said = talk(number, text, customer_id=customer)
    turns = [{"speaker": t.speaker, "text": t.text, "time": start.isoformat()} for t in said.turns]
    values = {"id": said.id, "turns": turns, "customer_id": customer}
    return {key: value for key, value in values.items() if value is not None}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(out):
    return {
        split: [json.loads(line) for line in (out / f"{split}.jsonl").read_text().splitlines()]
        for split in SPLITS
    }


def test_a_split_by_time_tests_on_the_latest_and_never_on_what_was_seen(tmp_path):
    rows = [timed(n, n) for n in range(100)]
    rows[3], rows[98] = timed(3, 3, LONG), timed(98, 98, f"Hi! {LONG}")
    log = write(tmp_path / "log.jsonl", reversed(rows))
    prepare([log], tmp_path / "out", split_by="time")
    found = {split: {row["id"] for row in rows} for split, rows in read(tmp_path / "out").items()}
    assert found["test"] == {f"c{n}" for n in range(90, 100)} - {"c98"}
    assert "c98" in found["train"]
    assert found["validation"] == {f"c{n}" for n in range(80, 90)}


def test_a_split_by_customer_keeps_each_customer_in_one(tmp_path):
    log = write(tmp_path / "log.jsonl", [timed(n, n, customer=f"cu-{n % 40}") for n in range(400)])
    prepare([log], tmp_path / "out", split_by="customer")
    homes = {}
    for split, rows in read(tmp_path / "out").items():
        for row in rows:
            homes.setdefault(row["customer_id"], set()).add(split)
    assert len(homes) == 40
    assert all(len(each) == 1 for each in homes.values())


@pytest.mark.parametrize(
    ("by", "why"), [("time", "has no times"), ("customer", "names no customers")]
)
def test_a_split_that_the_log_cannot_give_is_refused(tmp_path, by, why):
    row = {"id": "1", "turns": [{"speaker": "customer", "text": "hello"}]}
    with pytest.raises(ConfigError, match=why):
        prepare([write(tmp_path / "log.jsonl", [row])], tmp_path / "out", split_by=by)
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_the_same_key_gives_the_same_files_and_no_key_others(tmp_path):
    log = write(tmp_path / "log.jsonl", [timed(n, n) for n in range(30)])
    for name, key in (("a", b"x" * 16), ("b", b"x" * 16), ("c", None), ("d", None)):
        prepare([log], tmp_path / name, key=key)
    written = {name: (tmp_path / name / "train.jsonl").read_text() for name in "abcd"}
    assert written["a"] == written["b"]
    assert len(set(written.values())) == 3


def test_the_report_counts_everything_and_its_page_quotes_nobody(tmp_path):
    rows = [timed(n, n * 20) for n in range(20)]
    rows[0]["turns"][1]["time"] = "2025-01-01T00:03:00+00:00"
    rows.append({"id": "one", "turns": [{"speaker": "customer", "text": "is anybody there?"}]})
    rows.append({"id": "none", "turns": [{"speaker": "agent", "text": "Chat ended"}]})
    done = prepare([write(tmp_path / "log.jsonl", rows)], tmp_path / "out")
    report = done.report
    assert report["read"] == 22 == sum(report["conversations"].values()) + 1
    assert report["dropped"] == {"nobody said anything in it": 1}
    assert report["one_sided"] == {"customer speaks": 1}
    assert report["redacted"] == {"order_number": 20}
    assert report["answered"] == {"within 1 minute": 19, "within 5 minutes": 1}
    assert len(report["month"]) > 10
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Volume over time" in page
    assert "anybody there" not in page
    assert "://" not in page
