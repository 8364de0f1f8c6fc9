"""The report: its numbers, what it leaves out, and that no row of the data can act in it."""

from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.metrics import classification_report

from finetune.report import card_markdown, report_html
from finetune.report.rows import SHOWN, wrong_rows
from finetune.task import Scored

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&"
CONFIG = {
    "train": {"task": "intent", "method": "lora", "encoder": "mini", "seed": 3, "lr": 2e-5},
    "rows": {"train": 1200, "validation": 30, "test": 30},
    "seconds": 61.2,
    "data": "var/rows.csv",
}
METRICS = {
    "test": {
        "baseline": {"n": 30, "accuracy": 0.1, "ece": 0.9},
        "before": {"n": 30, "accuracy": 0.8, "ece": 0.05},
        "after": {"n": 30, "accuracy": 0.9, "ece": 0.02},
        "intervals": {
            "accuracy": {"before": [0.75, 0.85], "after": [0.86, 0.94], "gain": [0.04, 0.16]},
            "ece": {"before": [0.03, 0.07], "after": [0.01, 0.04], "gain": [-0.05, 0.01]},
        },
    }
}
GOLD = ["refund"] * 12 + ["login"] * 12 + ["delivery"] * 6
SAID = ["refund"] * 10 + ["login"] * 2 + ["login"] * 11 + ["oos"] + ["delivery"] * 6


class Page(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and each table."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.tables, self._cell = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self._cell:
            self.tables[-1][-1][-1] += data

    def rows(self, *head):
        """The rows of the table with this head, by their first cell."""
        table = next(table for table in self.tables if table[0][: len(head)] == list(head))
        return {row[0]: row[1:] for row in table[1:]}

    @property
    def anchors(self):
        return [attrs["id"] for tag, attrs in self.tags if tag == "h2"]


def scored(gold=GOLD, said=SAID, text="where is it", **detail):
    right = np.array(gold) == np.array(said)
    errors = [
        {"text": text, "label": g, "predicted": s, "confidence": 0.5 + place / 1000,
         "where": f"rows.csv:{place + 2}"}
        for place, (g, s) in enumerate(zip(gold, said, strict=True))
        if g != s
    ]  # fmt: skip
    per_class = {
        name: {
            "precision": float(right[np.array(said) == name].mean()) if name in said else 0.0,
            "recall": float(right[np.array(gold) == name].mean()),
            "support": gold.count(name),
        }
        for name in sorted(set(gold))
    }
    metrics = {"n": len(gold), "accuracy": float(right.mean())}
    return Scored(metrics, errors, {"per_class": per_class, **detail})


def everything(text="where is it"):
    """Extras and a Scored with each part of a report, `text` wherever text may stand."""
    result = scored(
        gold=[f"{name}{text}" for name in GOLD],
        said=[f"{name}{text}" for name in SAID],
        text=text,
        confidence=np.linspace(0.1, 1, 30),
        right=np.array(GOLD) == np.array(SAID),
        scope=np.linspace(0, 1, 30),
        inside=np.arange(30) > 4,
    )
    extras = {
        "log": [{"step": 1, "loss_nats": 2.0}, {"step": 2, "loss_nats": 1.0, text: text}],
        "neighbours": [[{"text": text, "label": text, "similarity": 0.8}]] * len(result.errors),
        "slices": {text: {text: {"n": 3, "accuracy": 0.5, "below": True, text: 1}}},
        "counterfactual": {
            text: {"n": 4, "changed": 1, "examples": [
                {"text": text, "changed": text, "before": text, "after": None}]}
        },
        "suspicious": [{"text": text, "label": text, "suggested": text, "confidence": 0.9,
                        "where": text}],
    }  # fmt: skip
    return result, extras


def page(result, extras=None, metrics=METRICS, name="mine", config=CONFIG):
    return report_html(name, config, metrics, {"test": result}, extras)


def test_every_part_has_its_place_and_the_contents_link_to_all():
    html = page(*everything())
    found = Page(html)
    assert found.anchors == [
        "test", "classes", "confusion", "pairs", "errors", "calibration", "coverage", "scope",
        "losses", "slices", "changes", "labels", "cost", "settings",
    ]  # fmt: skip
    links = [attrs["href"][1:] for tag, attrs in found.tags if tag == "a"]
    assert links == found.anchors


def test_what_is_not_known_is_not_there():
    found = Page(page(Scored({"n": 3, "accuracy": 0.9})))
    assert found.anchors == ["test", "cost", "settings"]
    assert "Do not pass it on" not in page(Scored({"n": 3}))
    assert "Do not pass it on" in page(scored())
    assert "<h1>mine</h1>" in report_html("mine", CONFIG, {}, {})


def test_gains_are_marked_where_luck_does_not_explain_them():
    html = page(scored())
    rows = Page(html).rows("metric")
    assert rows["accuracy"] == [
        "0.1000", "0.8000 0.7500 to 0.8500", "0.9000 0.8600 to 0.9400",
        "+0.1000 +0.0400 to +0.1600", "▲ better",
    ]  # fmt: skip
    assert rows["ece lower is better"][-1] == "may be luck"
    assert "Accuracy on test: 0.9000" in html


def test_a_significant_rise_of_what_should_fall_is_worse():
    metrics = {"test": {**METRICS["test"], "intervals": {"ece": {"gain": [0.01, 0.05]}}}}
    assert Page(page(scored(), metrics=metrics)).rows("metric")["ece lower is better"][-1] == (
        "▼ worse"
    )


def test_without_intervals_the_gain_stands_alone():
    metrics = {"test": {key: METRICS["test"][key] for key in ("baseline", "before", "after")}}
    rows = Page(page(scored(), metrics=metrics)).rows("metric")
    assert rows["accuracy"] == ["0.1000", "0.8000", "0.9000", "+0.1000"]


def test_the_classes_are_those_of_scikit_learns_report():
    rows = Page(page(scored())).rows("", "precision")
    expected = classification_report(GOLD, SAID, output_dict=True, zero_division=0)
    accuracy = expected.pop("accuracy")
    assert rows.pop("accuracy") == ["", "", f"{accuracy:.4f}", "30"]
    assert set(rows) == set(expected)  # oos too, which no row was but one was called
    for name, scores in expected.items():
        keys = ("precision", "recall", "f1-score")
        assert rows[name] == [*(f"{scores[key]:.4f}" for key in keys), f"{scores['support']:.0f}"]


def test_entities_have_a_micro_average_and_keep_their_own_f1():
    per_class = {"city": {"precision": 0.5, "recall": 0.5, "f1": 0.25, "support": 4}}
    metrics = {"entity_precision": 0.7, "entity_recall": 0.6, "entity_f1": 0.65}
    errors = [{"text": "to paris", "missed": [{"type": "city"}], "wrong": [], "where": "a:1"}]
    html = page(
        Scored(metrics, errors, {"per_class": per_class, "confusion": [["city", "name", 2]]})
    )
    rows = Page(html).rows("", "precision")
    assert rows["city"] == ["0.5000", "0.5000", "0.2500", "4"]
    assert rows["micro avg"] == ["0.7000", "0.6000", "0.6500", "4"]
    assert '[{"type": "city"}]' in Page(html).rows("row")["to parisa:1"]


def test_the_heat_map_and_the_pairs_hold_what_was_confused():
    html = page(scored())
    assert "refund → login: 2 (17%)" in html
    assert "refund → refund: 10 (83%)" in html
    assert "login → oos: 1 (8%)" in html
    assert Page(html).rows("right → said")["refund → login"][:2] == ["2", "0"]


def test_wrong_rows_come_surest_first_each_with_its_own_neighbours():
    result = scored()
    near = [
        [{"text": f"near {e['where']}", "label": "x", "similarity": 0.9}] for e in result.errors
    ]
    rows = Page(page(result, {"neighbours": near})).rows("row and the training rows nearest to it")
    assert [float(row[-1]) for row in rows.values()] == [0.523, 0.511, 0.51]
    for cell in rows:
        place = cell.split("rows.csv:")[1].split("0.9")[0]
        assert f"near rows.csv:{place}" in cell


def test_of_many_wrong_rows_the_surest_are_shown_and_all_are_counted():
    html = page(scored(["a"] * 500, ["b"] * 260 + ["a"] * 240))
    rows = Page(html).rows("row")
    assert len(rows) == SHOWN
    assert min(float(row[-1]) for row in rows.values()) == pytest.approx(0.56)
    assert "In all 260 rows are wrong; they are in errors.jsonl" in html


def test_long_texts_are_cut():
    html = page(scored(text="x" * 5000))
    assert "x" * 299 + "…" in html
    assert "x" * 300 not in html


def test_nothing_that_comes_from_outside_acts_in_the_page():
    config = {**CONFIG, "train": {**CONFIG["train"], "method": EVIL, "encoder": EVIL, EVIL: EVIL}}
    stages = {
        stage: {EVIL: 0.5} if stage != "intervals" else {EVIL: {"gain": [0.1, 0.2]}}
        for stage in ("baseline", "before", "after", "intervals", EVIL)
    }
    html = page(*everything(EVIL), metrics={"test": stages}, name=EVIL, config=config)
    found = Page(html)
    tags = [tag for tag, _ in found.tags]
    assert "script" not in tags
    assert "img" not in tags
    for tag, attrs in found.tags:
        assert not [name for name in attrs if name.startswith("on")], tag
        links = [value for name, value in attrs.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links), tag
    policy = [attrs for tag, attrs in found.tags if attrs.get("http-equiv")]
    assert "default-src 'none'" in policy[0]["content"]


def test_half_a_surrogate_pair_does_not_stop_the_page_from_being_written(tmp_path):
    (tmp_path / "report.html").write_text(page(scored(text="ha \ud83d")), encoding="utf-8")


def test_a_small_setting_is_not_shown_as_zero():
    settings = dict(Page(page(scored())).tables[-1])
    assert settings["train.lr"] == "2e-05"
    assert settings["seconds"] == "61.2"


def test_the_card_tells_intervals_where_they_are_known():
    card = card_markdown("mine", CONFIG, METRICS)
    assert "- accuracy: 0.9 (95%: 0.8600 to 0.9400)" in card
    assert "- n: 30\n" in card
    metrics = {"validation": {"after": {"accuracy": 0.7}}}
    assert "## Measured on validation\n\n- accuracy: 0.7\n" in card_markdown("m", CONFIG, metrics)


def test_entities_of_a_wrong_row_are_told_by_type_and_text():
    city = {"type": "city", "text": "Bath", "start": 3, "end": 7, "confidence": 1.0}
    errors = [{"text": "to Bath", "missed": [city, {**city, "text": "York"}], "wrong": []}]
    rows = Page(wrong_rows(errors, [])).rows("row")
    assert list(rows.values()) == [["city Bath, city York", ""]]
