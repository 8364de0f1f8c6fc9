"""The linear model over words beside the network."""

import numpy as np

from finetune.intent.words import SHARES, Words, best_share, fit_words

TEXTS = [f"{word} number {n}" for n in range(6) for word in ("refund", "parcel", "password")]
TARGET = np.array([0, 1, 2] * 6)


def test_words_learn_their_rows_and_generalize():
    words = fit_words(TEXTS, TARGET, 3)
    assert words.logits(TEXTS).shape == (18, 3)
    found = words.logits(["a refund please", "PARCEL lost", "passwords"]).argmax(axis=1)
    assert found.tolist() == [0, 1, 2]


def test_two_labels_and_a_label_without_rows():
    words = fit_words(TEXTS[:2] * 3, np.array([0, 3] * 3), 4)
    logits = words.logits(["refund", "parcel", "nothing known"])
    assert logits.shape == (3, 4)
    assert logits[:2].argmax(axis=1).tolist() == [0, 3]
    assert (logits[:, 1:3] == -2).all()


def test_one_label_alone_tells_nothing():
    logits = fit_words(["a", "b"], np.array([1, 1]), 3).logits(["a", "c"])
    assert np.ptp(logits) == 0


def test_a_text_without_a_known_word_gets_the_biases():
    words = fit_words(TEXTS, TARGET, 3)
    np.testing.assert_allclose(words.logits([""])[0], words.bias)


def test_useless_words_get_no_share():
    generator = np.random.default_rng(0)
    target = generator.integers(0, 3, 300)
    base = np.eye(3)[target] * 5
    assert best_share(base, generator.normal(0, 1, (300, 3)), target) == 0.0
    assert best_share(base, np.zeros((300, 3)), target) == 0.0


def test_useful_words_get_a_share_that_outweighs_what_is_wrong():
    target = np.array([0, 1, 2])
    wrong = np.roll(np.eye(3), 1, axis=1) * 1.5
    share = best_share(wrong, np.eye(3), target)
    assert ((wrong + share * np.eye(3)).argmax(axis=1) == target).all()
    assert best_share(np.zeros((3, 3)), np.eye(3), target) >= SHARES[1]


def test_an_out_of_scope_row_is_no_ones_hit():
    assert best_share(np.eye(3), np.eye(3) * 9, np.array([-1, -1, -1])) == 0.0


def test_saved_words_are_the_same_within_half_precision(tmp_path):
    words = fit_words(TEXTS, TARGET, 3)
    words.save(tmp_path / "words.safetensors", 2.0)
    again, share = Words.load(tmp_path / "words.safetensors")
    assert share == 2.0
    wanted, found = words.logits(TEXTS), again.logits(TEXTS)
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert (found.argmax(axis=1) == wanted.argmax(axis=1)).all()


def test_no_word_can_be_read_back(tmp_path):
    words = fit_words([*TEXTS, "Smith refund"], np.array([*TARGET, 0]), 3)
    words.save(tmp_path / "words.safetensors", 1.0)
    content = (tmp_path / "words.safetensors").read_bytes().lower()
    assert not any(word in content for word in (b"smith", b"refund", b"parcel"))


def test_fitting_twice_gives_the_same_weights():
    first, second = (fit_words(TEXTS, TARGET, 3) for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)
