import json
import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import headline, retrieval_probe
from benchmarks.finetune import paired, tables
from benchmarks.finetune.cells import (
    OURS,
    PLAN,
    TASK,
    Cell,
    chosen,
    ours_of,
    path_of,
    planned,
    run_cells,
)
from benchmarks.finetune.curve import curve_rows
from benchmarks.finetune.datasets import READERS, Rows, banking77, carve, few, multidogo, write
from benchmarks.finetune.extend import NEW_INTENTS, held_out
from benchmarks.finetune.ours import said_of
from benchmarks.finetune.rescore import rescore
from benchmarks.finetune.scoring import read_records, score
from benchmarks.run import README, finished, table
from benchmarks.shell import measured
from data.schema import OOS

CELL = Cell("banking77", "full", "svm")


@pytest.fixture
def rows():
    return [
        {"text": f"text {n} of {label}", "label": label} for label in "abcdefgh" for n in range(20)
    ]


@pytest.fixture
def source(tmp_path, rows):
    folder = tmp_path / "sets" / "banking77"
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        lines = [f"{row['text']},{row['label']}" for row in rows]
        (folder / f"{name}.csv").write_text("\n".join(["text,category", *lines]), "utf-8")
    return folder.parent


def test_a_finished_cell_is_not_measured_twice_unless_forced(tmp_path):
    calls = []
    measure = {"svm": lambda cell: calls.append(cell) or {"figure": len(calls)}}
    said = [
        [what for _, what in run_cells([CELL], measure, tmp_path, force)]
        for force in (False, False, True)
    ]
    assert said == [["measured"], ["there"], ["measured"]]
    assert len(calls) == 2
    assert json.loads(path_of(CELL, tmp_path).read_text(encoding="utf-8")) == {"figure": 2}


def test_a_cell_that_crashes_leaves_no_file_and_the_next_goes_on(tmp_path):
    def measure(cell):
        if cell == CELL:
            raise RuntimeError("no such command")
        return {}

    other = Cell("clinc150", "full", "svm")
    said = dict(run_cells([CELL, other], {"svm": measure}, tmp_path))
    assert said == {CELL: "failed: no such command", other: "measured"}
    assert [path.name for path in tmp_path.iterdir()] == [f"{other.name}.json"]


def test_a_cell_that_is_interrupted_leaves_no_file(tmp_path):
    def measure(cell):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_cells([CELL], {"svm": measure}, tmp_path))
    assert not list(tmp_path.iterdir())


def test_every_planned_cell_has_one_name_a_reader_and_a_task():
    cells = planned()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.dataset for cell in cells} == set(READERS) == set(TASK)


def test_every_cell_of_ours_has_settings_and_no_line_of_them_is_unused():
    keys = [cell for cell in planned() if cell.system.startswith("ours")]
    used = {tuple(ours_of(cell)[1][:-2]) for cell in keys if cell.budget is None}
    for _, _, settings in OURS:
        assert settings in used


def test_cells_are_chosen_by_pattern():
    assert {cell.system for cell in chosen(planned(), ["banking77.5-shot.*seed0"])} == {
        "svm", "logreg", "trainer", "trainer_raised", "setfit", "ours",
    }  # fmt: skip
    assert len(chosen(planned(), [])) == sum(len(seeds) for _, _, _, seeds, _ in PLAN)


@pytest.mark.parametrize("shots", [5, 10])
def test_few_shots_are_so_many_rows_of_each_label(rows, shots):
    chosen_rows = few(rows, shots, seed=0)
    labels = [row["label"] for row in chosen_rows]
    assert {label: labels.count(label) for label in "abcdefgh"} == dict.fromkeys("abcdefgh", shots)


def test_few_shots_depend_on_the_seed_and_those_of_5_are_among_those_of_10(rows):
    texts = [{row["text"] for row in few(rows, shots, 0)} for shots in (5, 10)]
    assert all(less < more for less, more in pairwise(texts))
    assert texts[0] != {row["text"] for row in few(rows, 5, 1)}


def test_validation_is_the_same_share_of_each_label_and_shares_no_text(rows):
    train, validation = carve([*rows, *rows])
    assert [row["label"] for row in validation] == [label for label in "abcdefgh" for _ in range(4)]
    assert not {row["text"] for row in train} & {row["text"] for row in validation}


def test_a_few_shot_system_sees_no_validation_rows_but_is_scored_on_those_of_the_full_set(
    tmp_path, source
):
    write(Cell("banking77", "5-shot", "svm"), source, tmp_path / "few")
    write(CELL, source, tmp_path / "full")
    assert not (tmp_path / "few" / "seen" / "validation.jsonl").exists()
    assert (tmp_path / "full" / "seen" / "validation.jsonl").exists()
    few_rows, full_rows = (read_records(tmp_path / n / "validation.jsonl") for n in ("few", "full"))
    assert few_rows == full_rows


def test_held_out_intents_are_gone_from_every_split_of_the_first_run(source):
    old, new = held_out(banking77(CELL, source), seed=0)
    labels = [{row["label"] for row in part} for part in (old.train, old.validation, old.test)]
    later = {row["label"] for row in new.test}
    assert len(later) == NEW_INTENTS
    assert all(not later & each for each in labels)


def test_neighbouring_words_of_a_slot_are_one_entity_and_odd_rows_are_left_out(tmp_path):
    folder = tmp_path / "multidogo" / "annotated_turn_level" / "finance"
    folder.mkdir(parents=True)
    lines = ["utterance\tslot-labels\tintent", "my card 12 34\tO O number number\tlost",
             "two words\tO\tlost", "a b\tO O\tlost<div>found"]  # fmt: skip
    for name in ("train", "dev", "test"):
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    slots = multidogo(Cell("multidogo_finance_slots", "full", "ours"), tmp_path).train
    assert slots[0]["entities"] == [{"type": "number", "start": 8, "end": 13}]
    assert len(slots) == 2
    intents = multidogo(Cell("multidogo_finance", "full", "ours"), tmp_path).train
    assert [row["text"] for row in intents] == ["my card 12 34", "two words"]


def test_scores_keep_indexes_of_labels_and_never_a_text():
    gold = [
        {"text": "one", "label": "a"},
        {"text": "two", "label": "b"},
        {"text": "x", "label": OOS},
    ]
    said = {"best": ["a", "a", "b"], "said": ["a", "a", OOS], "confidence": [0.9, 0.6, 0.5]}
    result = score("intent", gold, said)
    assert result["predictions"] == "0 0 1"
    assert (result["right"], result["refused"]) == ("10", "2")
    assert result["metrics"]["oos_recall"] == 1.0
    assert not any(row["text"] in json.dumps(result["predictions"]) for row in gold)


def test_several_labels_and_entities_are_counted_a_row():
    gold = [{"text": "t", "label": "a|b"}, {"text": "u", "label": OOS}]
    multi = score("multi", gold, {"said": ["a|c", ""]})
    assert multi["counts"] == "1/2/2 0/0/0"
    assert multi["metrics"]["micro_f1"] == 0.5
    row = {"text": "in New York", "entities": [{"type": "LOC", "start": 3, "end": 11}]}
    spans = score("ner", [row], {"said": [[("LOC", 3, 6)]]})
    assert spans["counts"] == "0/1/1"
    assert spans["predictions"] == "1:0"
    assert spans["metrics"]["entity_f1"] == 0
    within = score("ner", [row], {"said": [[("LOC", 3, 10)]]})  # a part of the last word
    assert (within["counts"], within["metrics"]["entity_f1"]) == ("1/1/1", 1)


def test_an_entity_ends_with_its_sentence():
    said = {"said": [[("LOC", 3, 13)]]}
    row = {"text": "in York Bath is", "entities": [{"type": "LOC", "start": 3, "end": 7},
           {"type": "LOC", "start": 8, "end": 12}]}  # fmt: skip
    assert score("ner", [row], said)["counts"] == "0/1/2"
    parted = score("ner", [row | {"sentences": [2, 2]}], said)
    assert parted["counts"] == "1/1/1 1/1/1"
    assert parted["metrics"]["token_macro_f1"] == 1


def test_what_was_predicted_is_scored_again(tmp_path, monkeypatch):
    row = {"text": "in New York now", "entities": [{"type": "LOC", "start": 3, "end": 11}]}
    rows = Rows([], [row], [row])
    monkeypatch.setitem(READERS, "conll2003", lambda cell, source: rows)
    whole = score("ner", [row], {"said": [[("LOC", 3, 11)]]})
    cell = {"dataset": "conll2003", "setting": "full", "system": "ours", "seed": 0}
    path = tmp_path / "cell.json"
    stale = whole | {"metrics": {}, "counts": ""}
    path.write_text(json.dumps(cell | {"validation": stale, "test": stale}), encoding="utf-8")
    assert rescore(path, tmp_path) == cell | {"validation": whole, "test": whole}
    stale["predictions"] = "9:0"
    path.write_text(json.dumps(cell | {"validation": stale, "test": stale}), encoding="utf-8")
    with pytest.raises(ValueError, match="other rows or tags"):
        rescore(path, tmp_path)


def test_a_refused_row_of_predict_keeps_its_best_label():
    row = {"intent": None, "top": [["lost", 0.3], ["found", 0.2]]}
    assert said_of("intent", [row]) == {"best": ["lost"], "said": [OOS], "confidence": [0.3]}


def test_mcnemar_is_the_exact_test():
    # 10 rows only the first has right, 2 only the second: 2 · P(X <= 2), X ~ B(12, 1/2).
    first = [True] * 10 + [False] * 2 + [True] * 5
    second = [False] * 10 + [True] * 2 + [True] * 5
    assert paired.mcnemar(first, second) == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert paired.mcnemar(first, first) == 1.0


def test_a_paired_interval_holds_the_gain_and_is_a_point_for_equal_systems():
    first, second = [True] * 80 + [False] * 20, [True] * 60 + [False] * 40
    gain, low, high = paired.accuracy_gain(first, second)
    assert gain == pytest.approx(0.2)
    assert 0.1 < low < gain < high < 0.3
    counts = np.array([[1, 1, 1], [0, 1, 1], [1, 2, 1]])
    assert paired.f1_gain(counts, counts) == (0.0, 0.0, 0.0)


def test_every_table_says_not_measured_where_nothing_was(tmp_path):
    for title, rows, found in tables.sections(tmp_path):
        assert rows
        assert not found
        assert {row["value"] for row in rows} == {"not measured"}, title
        assert "| not measured |" in table(title, rows, tables.footnote(found))


def result_of(cell, accuracy, right, seconds=10.0):
    metrics = {"accuracy_no_refusal": accuracy}
    return {
        "seed": cell.seed, "train_s": 10.0, "cpu_s": seconds, "peak_rss_mib": 500, "commit": "abc",
        "date": "2026-01-01", "machine": "m", "versions": {"torch": "2"},
        "validation": {"metrics": metrics}, "test": {"metrics": metrics, "right": right},
    }  # fmt: skip


def test_a_table_gives_mean_and_spread_and_a_paired_test_beside(tmp_path):
    for cell, accuracy, right in (
        (Cell("banking77", "full", "ours", 0), 0.9, "1111111110"),
        (Cell("banking77", "full", "ours", 1), 0.8, "1111111100"),
        (CELL, 0.5, "1111100000"),
    ):
        measure = {cell.system: lambda cell, a=accuracy, r=right: result_of(cell, a, r)}
        list(run_cells([cell], measure, tmp_path))
    _, rows, found = tables.sections(tmp_path)[0]
    first = next(row for row in rows if row["what"] == "Deskhand")
    assert first["value"] == "0.8500 ± 0.0707 (2)"
    assert first["target"] == ">= 0.945"
    svm = next(row for row in rows if row["what"] == "TF-IDF + linear SVM")
    assert svm["value"] == "0.5000"
    assert "Deskhand +0.4000" in svm["beside"]
    assert "McNemar p = 0.12, seed 0" in svm["beside"]
    assert "3 cells, commit abc" in tables.footnote(found)


def test_the_front_is_told_on_validation():
    known = {
        "svm": [result_of(CELL, 0.5, "", seconds=1)],
        "logreg": [result_of(CELL, 0.4, "", seconds=2)],
        "ours_head": [result_of(CELL, 0.6, "", seconds=3)],
    }
    rows = curve_rows(lambda dataset, setting, system: known.get(system, []))
    assert ["front" in row["beside"] for row in rows[:3]] == [True, False, True]
    assert {row["value"] for row in rows[3:]} == {"not measured"}


def test_a_size_of_an_index_is_built_and_asked(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("bases", 40), ("questions", 30)):
        texts = [
            f"how do i change number {n} of {'card' if n % 3 else 'loan'}" for n in range(count)
        ]
        vectors = rng.normal(size=(count, 64)).astype(np.float32)
        np.save(tmp_path / f"{name}.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        (tmp_path / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
    made = retrieval_probe.build(1200, tmp_path)
    said = retrieval_probe.ask(1200, tmp_path)
    assert made["about"] == {}
    assert made["peak_mib"] > 0
    assert made["disk_mb"] >= made["vectors_mb"] > 0
    assert said["recall_at_10"] == 1
    assert said["whole_p95_ms"] >= said["whole_p50_ms"] > 0


def test_the_readme_has_the_figures_of_the_results():
    told = {title: rows for title, rows, _ in finished()}
    page = README.read_text(encoding="utf-8")
    assert headline.placed(page, told) == page, "python -m benchmarks.run --render"
    shown = headline.block(told)
    assert shown in page
    assert headline.MISSING not in shown


def test_a_figure_without_a_result_says_so():
    figure = headline.Figure("speed", "Turns", "p50", (("other", "p95"),))
    rows = [{"what": "p50, ms", "value": 3}]
    assert "| speed | 3 | other not measured |" in headline.block(
        {"Turns of a bot": rows}, [figure]
    )
    assert "| speed | not measured |" in headline.block({"Others": rows}, [figure])


def test_a_commands_peak_is_its_own_and_its_failure_is_told(tmp_path):
    held = b"x" * (200 << 20)
    ran = measured(tmp_path, sys.executable, "-S", "-c", "print('done')")
    assert ran.stdout == "done\n"
    assert 0 < ran.peak_rss_mib < 100 < len(held) >> 20
    with pytest.raises(RuntimeError, match="broken"):
        measured(tmp_path, sys.executable, "-c", "import sys; sys.exit('broken')")
