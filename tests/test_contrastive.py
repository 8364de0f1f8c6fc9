"""Few-shot tuning: batches, loss, and the head that is fitted afterwards."""

from collections import Counter

import pytest
import torch

from finetune.intent.contrastive import Balanced, contrastive_loss, contrastive_rows, name_texts
from finetune.intent.model import IntentModel
from finetune.train import train
from tests.conftest import INTENTS, intent_rows, open_encoder, small, write_lines

pytestmark = pytest.mark.usefixtures("here")


def test_every_row_comes_once_an_epoch_in_runs_of_one_label():
    labels = [0] * 6 + [1] * 3 + [2] * 9
    sampler = Balanced(labels, rows_a_label=3, seed=0)
    order = list(sampler)
    assert sorted(order) == list(range(18))
    assert len(sampler) == 18
    for start in range(0, 18, 3):
        assert len({labels[row] for row in order[start : start + 3]}) == 1


def test_a_label_with_too_few_rows_repeats_some():
    order = list(Balanced([0, 0, 0, 0, 1], rows_a_label=4, seed=0))
    assert Counter(order)[4] == 4
    assert len(order) == 8


def test_epochs_differ_and_come_again_with_their_number():
    sampler = Balanced(list(range(5)) * 4, rows_a_label=2, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_the_loss_is_what_the_sums_give():
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]]))
    labels = torch.tensor([0, 0, 1, 1])
    total = 0.0
    for row in range(4):
        others = [place for place in range(4) if place != row]
        shares = torch.stack([torch.exp(vectors[row] @ vectors[each] / 0.5) for each in others])
        alike = [labels[each] == labels[row] for each in others]
        total += -torch.log(shares[torch.tensor(alike)].sum() / shares.sum())
    assert contrastive_loss(vectors, labels, 0.5).item() == pytest.approx(total.item() / 4)


def test_a_batch_without_pairs_has_no_loss():
    vectors = torch.nn.functional.normalize(torch.randn(3, 4)).requires_grad_()
    loss = contrastive_loss(vectors, torch.tensor([0, 1, 2]), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert vectors.grad.abs().sum() == 0


def test_names_of_labels_are_read_as_words(tiny):
    assert name_texts(["card_arrival", "lostCard", "top-up.failed"]) == [
        "card arrival", "lost card", "top up failed",
    ]  # fmt: skip
    config = small("intent", tiny, "contrastive")
    texts, gold = contrastive_rows(["hi", "no"], ["greet_all", "oos"], config)
    assert (texts, gold) == (["hi", "no", "greet all"], ["greet_all", "oos", "greet_all"])


def test_five_rows_a_label_are_learned(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", intent_rows()[:15])
    write_lines(tmp_path / "validation.jsonl", intent_rows()[15:])
    config = small(
        "intent", tiny, "contrastive", head={"c": [1e3]},
        optim={"batch_size": 4}, contrastive={"epochs": 20, "lr": 3e-3, "labels_a_step": 3},
    )  # fmt: skip
    run = train(config, tmp_path, tmp_path / "run").run
    model = IntentModel(run.root, open_encoder, threads=1)
    asked = [text.format("kettle") for text in INTENTS.values()]
    assert [each.top[0][0] for each in model.predict(asked)] == list(INTENTS)
