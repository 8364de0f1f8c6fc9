import numpy as np
import pytest

from retrieval.fusion import DENSE_ONLY, FUSIONS, HALF, HALVES, WORDS_ONLY, Fusion, scores

WHOLE, CLOSEST, WORDS = [0.2, 0.8, -0.4], [0.9, 0.8, -0.2], [0.0, HALF, 30.0]


def test_the_vectors_alone_score_by_the_closest_row():
    assert scores(DENSE_ONLY, WHOLE, CLOSEST, WORDS).tolist() == [0.9, 0.8, 0]


def test_the_words_alone_score_by_bm25_which_has_no_upper_end():
    assert scores(WORDS_ONLY, WHOLE, CLOSEST, WORDS).tolist() == pytest.approx([0, 0.5, 0.75])


def test_both_halves_and_the_passages_own_row_are_weighed():
    found = scores(Fusion(0.6, 0.5), WHOLE, CLOSEST, WORDS)
    assert found[0] == pytest.approx(0.6 * (0.5 * 0.2 + 0.5 * 0.9))
    assert found[1] == pytest.approx(0.6 * 0.8 + 0.4 * 0.5)
    assert found[2] == pytest.approx(0.4 * 0.75)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_scores_stay_between_0_and_1_and_grow_with_what_is_found(fusion):
    generator = np.random.default_rng(0)
    closest = generator.uniform(-1, 1, 200)
    whole = closest - generator.uniform(0, 0.5, 200)
    words = generator.exponential(20, 200)
    found = scores(fusion, whole, closest, words)
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(scores(fusion, whole, closest, words + 1) >= found)
    assert np.all(scores(fusion, whole + 0.1, closest + 0.1, words) >= found)
    assert scores(fusion, [1.0000002], [1.0000002], [1e9])[0] <= 1


def test_nothing_found_gives_no_score():
    assert len(scores(DENSE_ONLY, [], [], [])) == 0


@pytest.mark.parametrize("values", [(-0.1, 0), (1.1, 0), (0.5, 2), (float("nan"), 0)])
def test_weights_outside_0_to_1_are_refused(values):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        Fusion(*values)


def test_each_fusion_is_tried_once_and_the_halves_come_first():
    assert len(set(FUSIONS)) == len(FUSIONS)
    assert FUSIONS[:3] == HALVES == (DENSE_ONLY, Fusion(whole=1.0), WORDS_ONLY)
