"""Which score tells what is out of scope, and what is kept of training rows' vectors."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from data.schema import OOS
from finetune.confidence.memory import ROWS, Memory, few_of_each, fit_memory
from finetune.confidence.scope import ALL, ScopeScore, fit_scope, scope_scores

NAMES = ["bill", "card", "loan", "swap"]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def vectors_of(rows, seed, foreign=0):
    """Vectors around four axes, and foreign ones around a fifth."""
    generator = np.random.default_rng(seed)
    target = np.arange(rows) % 4
    inside = np.eye(8)[target] + generator.normal(0, 0.15, (rows, 8))
    outside = np.eye(8)[np.full(foreign, 6)] + generator.normal(0, 0.15, (foreign, 8))
    gold = [NAMES[place] for place in target] + [OOS] * foreign
    return unit(np.concatenate([inside, outside])).astype(np.float32), gold


def test_scores_are_confidence_energy_and_margin_over_the_oos_output():
    scores = scope_scores(np.array([[2.0, 0.0, 1.0]]), ["a", "b", OOS], None)
    inside = np.log(np.exp(2) + 1)
    assert {name: pytest.approx(value[0]) for name, value in scores.items()} == {
        "max_probability": 2 - inside, "energy": inside, "margin": 1.0,
    }  # fmt: skip
    assert "margin" not in scope_scores(np.array([[2.0, 0.0]]), ["a", "b"], None)


def test_nearness_tells_foreign_vectors_by_either_distance():
    train, gold = vectors_of(80, seed=0)
    near = fit_memory(train, gold, NAMES, seed=0).near(vectors_of(40, 1, foreign=20)[0])
    for values in (near.mahalanobis.max(axis=1), near.knn.max(axis=1)):
        assert values[:40].min() > values[40:].max()
    own = np.arange(40) % 4
    assert (near.mahalanobis[:40].argmax(axis=1) == own).all()
    assert (near.knn[:40].argmax(axis=1) == own).all()


def test_the_score_that_tells_foreign_rows_is_chosen_and_all_are_recorded():
    train, gold = vectors_of(80, seed=0)
    vectors, truth = vectors_of(60, 1, foreign=30)
    logits = np.random.default_rng(0).normal(0, 1, (90, 4))  # they tell nothing
    near = fit_memory(train, gold, NAMES, seed=0).near(vectors)
    found = fit_scope(logits, NAMES, truth, near, np.ones(90))
    assert found.needs_vectors
    assert set(found.auroc) == {"max_probability", "energy", "mahalanobis", "knn", ALL}
    assert found.auroc["mahalanobis"] > 0.99 > 0.7 > found.auroc["energy"]
    assert found.auroc[found.score] == max(found.auroc.values())
    probability = found.probability(scope_scores(logits, NAMES, near))
    assert probability[:60].min() > probability[60:].max()


def test_without_out_of_scope_rows_labels_are_held_out_in_turn_and_that_is_said():
    generator = np.random.default_rng(0)
    target = np.arange(80) % 4
    logits = generator.normal(0, 0.5, (80, 4)) + 6 * np.eye(4)[target]
    found = fit_scope(logits, NAMES, [NAMES[place] for place in target], None, np.ones(80))
    assert found.pseudo
    assert set(found.auroc) == {"max_probability", "energy"}  # no combination is learned of these
    assert found.auroc[found.score] > 0.95


def test_of_two_labels_none_can_be_held_out():
    found = fit_scope(np.eye(2) * 5, ["a", "b"], ["a", "b"], None, np.ones(2))
    assert (found.score, dict(found.auroc)) == ("max_probability", {})


def test_a_single_foreign_row_is_enough_to_fit_on():
    logits = np.array([[5.0, 0], [0, 5.0], [4.0, 0], [0.1, 0]])
    found = fit_scope(logits, ["a", "b"], ["a", "b", "a", OOS], None, np.ones(4))
    probability = found.probability(scope_scores(logits, ["a", "b"], None))
    assert probability[3] < probability[:3].min()
    assert ALL not in found.auroc


def test_a_memory_holds_few_rows_a_label_in_half_precision_and_no_text(tmp_path):
    vectors, gold = vectors_of(200, seed=0, foreign=10)
    memory = fit_memory(vectors, gold, NAMES, seed=0)
    assert np.bincount(memory.owners).tolist() == [ROWS] * 4
    memory.save(tmp_path / "memory.safetensors")
    again = Memory.load(tmp_path / "memory.safetensors")
    np.testing.assert_array_equal(memory.near(vectors).mahalanobis, again.near(vectors).mahalanobis)
    np.testing.assert_array_equal(memory.near(vectors).knn, again.near(vectors).knn)
    numbers = 8 * (8 + 4 + 4 * ROWS)
    assert (tmp_path / "memory.safetensors").stat().st_size < 2 * numbers + 4 * 4 * ROWS + 600


def test_few_of_each_label_are_drawn_and_never_foreign_ones():
    gold = ["a"] * 50 + ["b"] * 3 + [OOS] * 50
    kept = few_of_each(gold, seed=1)
    assert len(kept) == ROWS + 3
    assert kept.max() < 53


@pytest.mark.parametrize("rows", [4, 5, 8])
def test_labels_with_one_row_are_remembered_too(rows):
    vectors, gold = vectors_of(rows, seed=0)
    near = fit_memory(vectors, gold, NAMES, seed=0).near(vectors)
    assert np.isfinite(near.mahalanobis).all()
    assert (near.mahalanobis.argmax(axis=1) == np.arange(rows) % 4).mean() > 0.7


def test_a_label_without_rows_is_near_to_nothing():
    vectors, gold = vectors_of(40, seed=0)
    kept = [place for place, label in enumerate(gold) if label != "swap"]
    memory = fit_memory(vectors[kept], [gold[place] for place in kept], NAMES, seed=0)
    near = memory.near(vectors)
    assert (near.mahalanobis.argmax(axis=1) != 3).all()
    assert (near.knn[:, 3] == -1).all()


def test_a_scope_score_survives_json():
    logits = np.random.default_rng(0).normal(0, 2, (60, 3))
    gold = ["a", "b", OOS] * 20
    found = fit_scope(logits, ["a", "b", OOS], gold, None, np.ones(60))
    assert ScopeScore.from_dict(json.loads(json.dumps(asdict(found)))) == found
