"""The quick dropout draws what torch's would: the share, the scale, and the same for a seed."""

from types import SimpleNamespace

import pytest
import torch
from transformers import BertConfig, BertModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from finetune.dropout import Dropout, attention, dropped, quicken

NONE_AT_ALL = 1e-9  # a share that rounds to nothing: the way of the dropout, without any


def test_a_share_is_lost_and_the_rest_makes_up_for_it():
    torch.manual_seed(0)
    values = dropped(torch.ones(400, 999), 0.3)
    kept = values[values != 0]
    assert abs(float((values == 0).float().mean()) - 0.3) < 0.004
    assert torch.allclose(kept, kept[0].expand_as(kept))
    assert abs(float(values.mean()) - 1) < 0.01


def test_what_is_lost_follows_from_torchs_seed_and_is_another_each_time():
    values = torch.ones(64, 33)
    torch.manual_seed(7)
    first, second = dropped(values, 0.5), dropped(values, 0.5)
    torch.manual_seed(7)
    assert torch.equal(dropped(values, 0.5), first)
    assert not torch.equal(first, second)
    rows = (first == 0).float()
    assert abs(float((rows[0] * rows[1]).mean()) - 0.25) < 0.2  # one row does not tell of the next


@pytest.mark.parametrize(("share", "left"), [(0.0, 1.0), (1.0, 0.0)])
def test_none_and_all_are_what_they_say(share, left):
    assert torch.equal(dropped(torch.ones(9), share), torch.full((9,), left))


def test_no_values_are_none_afterwards():
    assert dropped(torch.zeros(0, 3), 0.1).shape == (0, 3)


def test_bfloat16_stays_and_gradients_go_where_the_values_went():
    values = torch.ones(50, 50, dtype=torch.bfloat16, requires_grad=True)
    out = dropped(values, 0.2)
    out.sum().backward()
    assert out.dtype == torch.bfloat16
    assert torch.equal(values.grad, out)


@pytest.mark.parametrize("kind", ["none", "boolean", "added"])
def test_attention_is_that_of_sdpa(kind):
    torch.manual_seed(0)
    parts = [torch.randn(3, 4, 7, 8, requires_grad=True) for _ in range(3)]
    seen = torch.ones(3, 1, 7, 7, dtype=torch.bool)
    seen[1, ..., 5:] = False
    masks = {"none": None, "boolean": seen, "added": (~seen).float() * -1e9}
    module = SimpleNamespace(is_causal=False)
    for scaling in (None, 0.3):
        ours, theirs = (
            way(module, *parts, masks[kind], dropout=share, scaling=scaling)[0]
            for way, share in ((attention, NONE_AT_ALL), (sdpa_attention_forward, 0.0))
        )
        assert torch.allclose(ours, theirs, atol=1e-6)
        ours_back = torch.autograd.grad(ours.square().sum(), parts)
        theirs_back = torch.autograd.grad(theirs.square().sum(), parts)
        for one, other in zip(ours_back, theirs_back, strict=True):
            assert torch.allclose(one, other, atol=1e-4)


def test_a_causal_attention_stays_causal():
    torch.manual_seed(0)
    parts = [torch.randn(1, 2, 6, 8) for _ in range(3)]
    module = SimpleNamespace(is_causal=True)
    before = attention(module, *parts, None, dropout=NONE_AT_ALL)[0]
    parts[1][:, :, -1] += 9  # the last key, which only the last query may see
    after = attention(module, *parts, None, dropout=NONE_AT_ALL)[0]
    assert torch.allclose(before[:, :-1], after[:, :-1])
    assert not torch.allclose(before[:, -1], after[:, -1])


def test_a_quickened_model_reads_as_before_drops_in_training_and_saves_no_trace(tmp_path):
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.5,
        )
    ).eval()  # fmt: skip
    ids, mask = torch.randint(50, (2, 6)), torch.tensor([[1] * 6, [1] * 3 + [0] * 3])
    before = model(ids, mask).last_hidden_state
    names = list(model.state_dict())
    quicken(model)
    assert sum(isinstance(module, Dropout) for module in model.modules()) == 7
    assert torch.equal(model(ids, mask).last_hidden_state, before)
    model.train()
    assert not torch.allclose(model(ids, mask).last_hidden_state, before)
    assert list(model.state_dict()) == names
    model.save_pretrained(tmp_path)
    assert "quick" not in (tmp_path / "config.json").read_text()
    assert BertModel.from_pretrained(tmp_path).config._attn_implementation == "sdpa"
