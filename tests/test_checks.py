"""Rows that look mislabelled, groups that a model serves worse, changes that should not matter."""

from collections import Counter

import numpy as np
import pytest

from data.schema import Example
from finetune.checks.counterfactual import counterfactual_check, counterfactuals
from finetune.checks.labels import MOST, suspicious_labels
from finetune.checks.neighbours import nearest_rows
from finetune.checks.slices import language_of, length_of, slices
from finetune.reading.labels import read_labelled


def clusters(labels, rows, spread, seed=0):
    """Unit vectors around a random centre for each label, and their right labels."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels, 16))
    right = np.repeat(np.arange(labels), rows)
    vectors = centres[right] + rng.normal(size=(labels * rows, 16)) * spread
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), right


def planted(share, rows=100, spread=0.5, seed=0):
    vectors, right = clusters(6, rows, spread, seed)
    rng = np.random.default_rng(seed + 1)
    wrong = set(rng.choice(len(right), int(len(right) * share), replace=False).tolist())
    given = [
        f"label {(label + rng.integers(1, 6)) % 6 if row in wrong else label}"
        for row, label in enumerate(right)
    ]
    examples = [Example(f"text {row}", where=f"r.csv:{row}") for row in range(len(right))]
    return vectors, given, examples, wrong, right


@pytest.mark.parametrize("seed", [0, 1])
def test_most_of_the_planted_wrong_labels_are_found_and_named(seed):
    vectors, given, examples, wrong, right = planted(0.05, seed=seed)
    found = suspicious_labels(vectors, given, examples, seed=7)
    rows = [int(each["where"].split(":")[1]) for each in found]
    assert len(set(rows) & wrong) >= 0.8 * len(wrong)
    assert len(set(rows) - wrong) <= 0.2 * len(rows)
    assert all(row in wrong for row in rows[: len(wrong) // 2])  # the surest first
    for each, row in zip(found, rows, strict=True):
        assert each["text"] == f"text {row}"
        assert each["label"] == given[row] != each["suggested"]
        assert 0 <= each["confidence"] <= 1
    assert sum(each["suggested"] == f"label {right[row]}" for each, row in
               zip(found, rows, strict=True)) >= 0.9 * len(set(rows) & wrong)  # fmt: skip


def test_where_labels_are_right_few_rows_are_suspected():
    vectors, given, examples, _, _ = planted(0.0)
    assert len(suspicious_labels(vectors, given, examples, seed=7)) <= 0.01 * len(given)


def test_the_list_of_suspects_is_capped_and_does_not_change():
    vectors, given, examples, wrong, _ = planted(0.25, rows=150)
    found = suspicious_labels(vectors, given, examples, seed=7)
    assert len(wrong) > MOST == len(found)
    assert suspicious_labels(vectors, given, examples, seed=7) == found


def test_a_labels_only_row_and_a_single_label_are_no_suspects():
    vectors, given, examples, _, _ = planted(0.0)
    given[0] = "seen once"
    assert "seen once" not in {
        each["label"] for each in suspicious_labels(vectors, given, examples, seed=7)
    }
    assert suspicious_labels(vectors, ["a"] * len(given), examples, seed=7) == []
    assert suspicious_labels(vectors[:2], ["a", "b"], examples[:2], seed=7) == []


def test_a_group_served_worse_is_flagged_and_the_others_are_not():
    rng = np.random.default_rng(0)
    examples = [Example(f"where is my parcel {n}", group="abc"[n % 3]) for n in range(600)]
    right = [bool(rng.random() < (0.6 if row.group == "c" else 0.9)) for row in examples]
    groups = slices(examples, right)["group"]
    assert {name: group["below"] for name, group in groups.items()} == {
        "a": False, "b": False, "c": True,
    }  # fmt: skip
    assert [group["n"] for group in groups.values()] == [200, 200, 200]
    of_c = [good for row, good in zip(examples, right, strict=True) if row.group == "c"]
    assert groups["c"]["accuracy"] == pytest.approx(np.mean(of_c), abs=1e-4)


def test_chance_alone_rarely_flags_a_group():
    flagged = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        examples = [Example("hi", group=str(n % 10)) for n in range(500)]
        found = slices(examples, (rng.random(500) < 0.8).tolist())
        flagged += any(group["below"] for group in found["group"].values())
    assert flagged <= 3  # Bonferroni: 1 in 20 is expected at most


def test_small_groups_and_slices_of_one_group_are_left_out():
    examples = [Example("where is it", group="big")] * 30 + [Example("where is it", group="s")] * 9
    found = slices(examples, [True] * 39)
    assert set(found) == {"group"}
    assert found["group"] == {"big": {"n": 30, "accuracy": 1.0, "below": False}}


def test_rows_are_parted_by_their_traits_where_they_tell_them():
    channels = ["mail"] * 20 + ["chat"] * 20 + [None] * 5
    examples = [
        Example("where is it", traits=() if channel is None else (("channel", channel),))
        for channel in channels
    ]
    found = slices(examples, [True] * 20 + [False] * 25)
    assert found == {
        "channel": {
            "chat": {"n": 20, "accuracy": 0.0, "below": True},
            "mail": {"n": 20, "accuracy": 1.0, "below": False},
        }
    }
    with pytest.raises(ValueError, match="shorter"):
        slices(examples, [True])


def test_a_table_tells_traits_of_its_rows(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text(
        "text,label,channel,customer_group,colour\nhi,a,mail,,red\nho,b,,trade,blue\n", "utf-8"
    )
    assert [row.traits for row in read_labelled(table)] == [
        (("channel", "mail"),),
        (("customer_group", "trade"),),
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my parcel?", "en"),
        ("Wo ist mein Paket? Ich warte auf die Lieferung.", "de"),
        ("Je n’ai pas reçu ma commande", "fr"),
        ("¿Dónde está mi pedido?", "es"),
        ("Non ho ricevuto il mio ordine, dove è?", "it"),
        ("Onde está o meu pedido? Não recebi", "pt"),
        ("Waar is mijn pakket? Ik heb het niet", "nl"),
        ("我的包裹在哪里?", "zh"),
        ("荷物はどこですか", "ja"),
        ("택배가 어디에 있나요", "ko"),
        ("Где моя посылка?", "cyrillic"),
        ("أين طردي؟", "ar"),
        ("FK-310442", "unknown"),
        ("12 :)", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language


def test_lengths_are_ranges_without_a_gap():
    assert length_of("") == "0 to 20 characters"
    assert [length_of("x" * n) for n in (20, 21, 400, 401)] == [
        "0 to 20 characters", "21 to 60 characters", "141 to 400 characters",
        "401 characters or more",
    ]  # fmt: skip


def test_each_kind_of_change_changes_only_its_words():
    text = "Hi, Emily here: my colour printer went to New York, not london"
    changed = counterfactuals(text)
    assert set(changed) == {"name", "city", "spelling", "typo"}
    assert changed["spelling"] == text.replace("colour", "color")
    before, after = text.split(), changed["name"].split()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [after[1]]
    assert after[1][0].isupper()
    assert "New York" not in changed["city"]
    assert "london" not in changed["city"]
    assert changed["city"].startswith("Hi, Emily here: my colour printer went to ")
    assert Counter(changed["typo"]) == Counter(text)
    assert sum(old != new for old, new in zip(text, changed["typo"], strict=True)) == 2
    assert counterfactuals(text) == changed


def test_spelling_goes_both_ways_and_keeps_capitals():
    assert counterfactuals("Please APOLOGIZE for the gray organism")["spelling"] == (
        "Please APOLOGISE for the grey organism"
    )


@pytest.mark.parametrize("text", ["", "is it here", "FK-310442 ?", "我的包裹在哪里", "aaaaaa"])
def test_a_text_with_nothing_to_change_gives_nothing(text):
    assert counterfactuals(text) == {}


def test_foreign_letters_that_ignoring_case_takes_for_ours_stay():
    assert set(counterfactuals("emıly in parıs, ſydney")) == {"typo"}


def test_names_change_to_many_backgrounds():
    swapped = {counterfactuals(f"Emily, order {n}")["name"].split(",")[0] for n in range(200)}
    assert len(swapped) == 9
    assert "Emily" not in swapped


def test_the_check_counts_what_a_model_changes_its_mind_about():
    texts = [f"{name} in London, order {n}" for n, name in enumerate(["Emily", "James"] * 50)]

    def predict(asked):
        return ["a" if "Emily" in text else None for text in asked]

    found = counterfactual_check(texts, predict, seed=3, limit=40)
    assert {kind: row["n"] for kind, row in found.items()} == {"city": 40, "name": 40, "typo": 40}
    assert found["city"]["changed"] == 0
    assert found["city"]["rate"] == 0
    assert 10 <= found["name"]["changed"] <= 30  # only an Emily is told apart
    assert found["name"]["rate"] == found["name"]["changed"] / 40
    assert len(found["name"]["examples"]) == 10
    for row in found["name"]["examples"]:
        assert (row["before"], row["after"]) == tuple(predict([row["text"], row["changed"]]))
        assert row["before"] != row["after"]
    assert counterfactual_check(texts, predict, seed=3, limit=40) == found
    assert counterfactual_check(["我"], predict, seed=3) == {}


def test_the_nearest_training_rows_come_first_with_their_labels():
    train = [Example(text, label=text) for text in "abcd"]
    known = np.eye(4, dtype=np.float32)
    (found,) = nearest_rows(np.array([[0.0, 0.6, 0.8, 0.0]], dtype=np.float32), known, train)
    assert [(row["label"], row["similarity"]) for row in found[:2]] == [("c", 0.8), ("b", 0.6)]
    assert len(found) == 3
    assert nearest_rows(np.zeros((0, 0), dtype=np.float32), known, train) == []
