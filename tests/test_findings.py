"""What reports tell beyond scores: of entities, several labels, relations and ranked answers."""

import numpy as np
import pytest

from data.schema import Entity, Example
from finetune.checks.labels import MOST, suspicious_sets
from finetune.checks.learning import learned
from finetune.checks.neighbours import shown_label
from finetune.checks.slices import slices
from finetune.multi_label.fit import out_of_fold
from finetune.ner import findings
from finetune.ner.findings import NONE, _in_context, suspicious_words
from finetune.ner.frozen import FrozenTokens, LabelledTokens
from finetune.ner.scores import score_entities
from finetune.reply.ranking import score_ranking
from finetune.tags import tag_names
from finetune.train import train
from tests.conftest import THINGS, ner_rows, reply_rows, small, write_lines
from tests.test_ner_frozen import examples
from tests.test_relation import relation_rows

pytestmark = pytest.mark.usefixtures("here")
OPTIM = {"batch_size": 10, "epochs": 2, "lr": 1e-3}


def report(task, tiny, rows, tmp_path, wrong=(), **values):
    """A report whose validation rows are the training rows and some wrong ones."""
    write_lines(tmp_path / "rows" / "train.jsonl", rows)
    write_lines(tmp_path / "rows" / "validation.jsonl", [*rows, *wrong])
    config = small(task, tiny, optim=OPTIM, **values)
    return train(config, tmp_path / "rows", tmp_path / "run").run.report.read_text("utf-8")


def has(page, *sections):
    for section in sections:
        assert f"<h2 id={section}>" in page, section


def test_an_ner_report_tells_what_an_intent_report_tells(tiny, tmp_path):
    rows = [{**row, "channel": channel} for channel in ("chat", "e-mail") for row in ner_rows()]
    wrong = [{**row, "entities": []} for row in rows if row["channel"] == "chat"]
    page = report("ner", tiny, rows, tmp_path, wrong, method="full")
    has(page, "errors", "learning", "changes", "slices", "cost")
    assert "entity f1 on validation" in page
    assert "nearest training rows" in page
    assert "order AB-01, thing shoes" in page  # how the nearest row is labelled


def test_a_wrong_entity_is_explained_by_its_words(tiny, tmp_path):
    rows = ner_rows()
    wrong = [{"text": row["text"], "entities": []} for row in rows]
    optim = {"batch_size": 5, "epochs": 30, "lr": 3e-3}
    write_lines(tmp_path / "rows" / "train.jsonl", rows)
    write_lines(tmp_path / "rows" / "validation.jsonl", [*rows, *wrong])
    done = train(small("ner", tiny, optim=optim), tmp_path / "rows", tmp_path / "run").run
    page = done.report.read_text("utf-8")
    has(page, "why")
    assert f"<td>{NONE}</td>" in page
    assert "title='+" in page


def test_a_report_of_several_labels_tells_them_too(tiny, tmp_path):
    from tests.test_multi_label import several_rows

    rows = several_rows()
    wrong = [{**row, "label": "login"} for row in rows if row["label"] == "refund"]
    page = report("intent", tiny, rows, tmp_path, wrong, method="full")
    has(page, "errors", "why", "learning", "changes")
    assert "micro f1 on validation" in page


def test_a_relation_report_tells_neighbours_and_what_more_rows_bring(tiny, tmp_path):
    rows = relation_rows()
    wrong = [{**row, "label": rows[-1]["label"]} for row in rows[:4]]
    page = report("relation", tiny, rows, tmp_path, wrong)
    has(page, "errors", "learning")
    assert "nearest training rows" in page


def test_the_labels_to_check_of_a_relation_are_the_planted_ones(tiny, tmp_path):
    rows = [row for _ in range(4) for row in relation_rows()]
    labels = sorted({row["label"] for row in rows})
    planted = rows[7] | {"label": next(each for each in labels if each != rows[7]["label"])}
    page = report("relation", tiny, [*rows, planted], tmp_path)
    has(page, "labels")
    assert f"train.jsonl:{len(rows) + 1}" in page.split("<h2 id=labels>")[1].split("<h2")[0]


def test_words_with_a_wrong_type_are_found_and_shown_in_their_text(tiny):
    rows = [*examples()] * 20
    wrong = rows[3]
    swapped = tuple(
        Entity("thing" if each.type == "order" else "order", each.text, each.start, each.end)
        for each in wrong.entities
    )
    rows[3] = Example(wrong.text, entities=swapped, where="r.jsonl:4")
    tags = tag_names(["order", "thing"])
    tokens = FrozenTokens(small("ner", tiny), rows, tags).tokens
    found = suspicious_words(tokens, rows, tags, seed=0)
    planted = [each for each in found if each["where"] == "r.jsonl:4"]
    assert {(each["label"], each["suggested"]) for each in planted} == {
        ("thing", "order"), ("order", "thing"),
    }  # fmt: skip
    assert len(found) <= 4
    assert any(f"‹{wrong.entities[1].text}›" in each["text"] for each in planted)


def test_a_word_of_a_long_text_is_shown_with_what_is_around_it():
    text = "word " * 40 + "Rome " + "word " * 40
    shown = _in_context(Example(text, where="a:1"), text.index("Rome"), text.index("Rome") + 2)
    assert "‹Rome›" in shown.text
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert len(shown.text) < 140
    assert shown.where == "a:1"


def sets_with_errors(rows=400):
    """Probabilities near their marks, one mark taken away and one put in by mistake."""
    rng = np.random.default_rng(0)
    right = rng.random((rows, 3)) < 0.4
    probabilities = np.clip(
        np.where(right, 0.9, 0.1) + rng.normal(0, 0.05, right.shape), 0.01, 0.99
    )
    probabilities[5, 1], probabilities[9, 2] = 0.97, 0.02
    marks = right.copy()
    marks[5, 1], marks[9, 2] = False, True
    return probabilities, marks


def test_a_label_too_few_and_one_too_many_are_found_first():
    probabilities, marks = sets_with_errors()
    texts = [Example(f"text {row}", where=f"r:{row}") for row in range(len(marks))]
    found = suspicious_sets(probabilities, marks, ["a", "b", "c"], texts)
    assert [each["where"] for each in found] == ["r:9", "r:5"]
    too_many, too_few = found
    assert "c" in too_many["label"].split("|")
    assert "c" not in too_many["suggested"].split("|")
    assert "b" in too_few["suggested"].split("|")
    assert "b" not in too_few["label"].split("|")
    assert (too_many["confidence"], too_few["confidence"]) == (0.98, 0.97)


def test_a_label_is_suspected_only_where_it_is_as_probable_as_where_it_is_carried():
    probabilities, marks = sets_with_errors()
    texts = [Example("x", where=str(row)) for row in range(len(marks))]
    doubtful = int(np.flatnonzero(~marks[:, 0])[0])
    probabilities[doubtful, 0] = 0.7  # likelier than not, but 0.9 where rows carry it
    found = suspicious_sets(probabilities, marks, ["a", "b", "c"], texts)
    assert str(doubtful) not in {each["where"] for each in found}
    probabilities[doubtful, 0] = 0.95
    found = suspicious_sets(probabilities, marks, ["a", "b", "c"], texts)
    assert str(doubtful) in {each["where"] for each in found}


def test_sets_that_are_right_are_not_suspected_and_the_list_is_short():
    probabilities, marks = sets_with_errors()
    texts = [Example("x")] * len(marks)
    assert suspicious_sets(np.where(marks, 0.9, 0.1), marks, ["a", "b", "c"], texts) == []
    turned = suspicious_sets(np.where(marks, 0.1, 0.9), marks, ["a", "b", "c"], texts)
    assert len(turned) == MOST


def test_a_smaller_share_lies_within_a_larger_one():
    seen = []

    def score(rows):
        seen.append(set(rows.tolist()))
        return float(len(rows))

    found = learned("accuracy", 200, score, seed=1)
    assert found.points == ((20, 20.0), (50, 50.0), (100, 100.0), (200, 200.0))
    assert all(fewer < more for fewer, more in zip(seen, seen[1:], strict=False))
    assert learned("accuracy", 30, score, seed=1).points == ((15, 15.0), (30, 30.0))


def test_rows_that_cannot_be_judged_are_in_no_group():
    rows = [Example("short", group="a")] * 20 + [Example("short", group="b")] * 20
    judged = slices(rows, [True] * 20 + [False] * 10 + [None] * 10)["group"]
    assert judged["a"]["n"] == 20
    assert judged["b"] == {"n": 10, "accuracy": 0.0, "below": True}


def test_a_row_of_entities_is_right_where_all_of_them_are():
    gold = (Entity("order", "AB", 0, 2), Entity("thing", "coat", 3, 7))
    rows = [Example("AB coat", entities=gold)] * 3
    found = score_entities(rows, [list(gold), [gold[0]], [*gold, Entity("thing", "x", 8, 9)]])
    assert found.detail["exact"] == [True, False, False]


def test_an_answer_counts_as_right_where_it_mostly_comes_first():
    rows = [
        Example(row["turns"][0]["text"], answer=row["turns"][1]["text"], where=f"{row['id']}:1")
        for row in reply_rows()
    ]

    def scores(asked, offered):
        return np.where((asked == offered) & (asked != 3), 1.0, 0.0)

    exact = score_ranking(scores, rows, 0).detail["exact"]
    assert exact == [place != 3 for place in range(len(THINGS))]


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (Example("x", label="refund"), "refund"),
        (Example("x", labels=("b", "a")), "a|b"),
        (Example("x", entities=(Entity("city", "Rome", 0, 4),)), "city Rome"),
        (Example("x"), ""),
    ],
)
def test_a_neighbour_is_shown_with_how_it_is_labelled(row, label):
    assert shown_label(row) == label


def test_of_a_text_without_spaces_every_character_may_begin_a_word():
    text = "我在北京"
    entities = (Entity("city", "北京", 2, 4),)
    states = np.eye(4, dtype=np.float32)
    tokens = LabelledTokens(states, np.array([0, 0, 1, 2]), [(0, n, n + 1) for n in range(4)])
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings, "suspicious_labels", lambda *given: seen.extend(given) or [])
        suspicious_words(tokens, [Example(text, entities=entities)], tag_names(["city"]), seed=0)
    assert [row.text for row in seen[2]] == ["‹我›在北京", "我‹在›北京", "我在‹北›京", "我在北‹京›"]


def test_the_nearest_row_of_a_text_is_its_own(tiny):
    rows = [*examples()]
    frozen = FrozenTokens(small("ner", tiny), rows, tag_names(["order", "thing"]))
    near = frozen.vectors_of([row.text for row in rows] + [""]) @ frozen.text_vectors().T
    assert near[:-1].argmax(axis=1).tolist() == list(range(len(rows)))
    assert near[:-1].max(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert not near[-1].any()


def test_of_many_rows_every_one_is_judged_by_heads_that_did_not_see_it():
    rng = np.random.default_rng(0)
    marks = rng.random((2500, 2)) < 0.4
    vectors = np.where(marks, 1.0, -1.0) + rng.normal(0, 0.3, marks.shape)
    wrong = marks.copy()
    wrong[[3, 700, 2400], 1] ^= True
    probabilities = out_of_fold(vectors, wrong, 5.0, 0)
    rows = [Example("x", where=str(place)) for place in range(len(marks))]
    found = suspicious_sets(probabilities, wrong, ["a", "b"], rows)
    assert {"3", "700", "2400"} <= {each["where"] for each in found}
    assert len(found) <= 10


def test_what_a_row_has_by_chance_its_own_heads_cannot_know():
    rng = np.random.default_rng(0)
    vectors, marks = rng.normal(size=(200, 300)), rng.random((200, 2)) < 0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    probabilities = out_of_fold(vectors, marks, 1000.0, 0)
    assert ((probabilities > 0.5) == marks).mean() < 0.65
