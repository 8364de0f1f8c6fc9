"""Questions on passages: windows of a passage, the best span in them, what the net computes."""

from collections import Counter

import numpy as np
import pytest
import torch

from data.encoders import resolve_encoder
from data.onnx_text import OnnxText
from finetune.encoder import export_onnx, load_encoder
from finetune.frames import bare, frame_of
from finetune.qa.net import NEVER, QaNet, collate
from finetune.qa.spans import best_span
from finetune.qa.task import answer_tokens
from finetune.qa.windows import OUTSIDE, SHARED, Window, Windows, segments_of

pytestmark = pytest.mark.usefixtures("here")
CHINESE = "我的包裹在哪里"


@pytest.fixture
def tokenizer(tiny):
    return bare(load_encoder(resolve_encoder(tiny))[1])


@pytest.mark.parametrize("size", [8, 16, 33, 128])
@pytest.mark.parametrize("stride", [0, 5, 500])
@pytest.mark.parametrize("asked", ["where", "where is my parcel " * 40, CHINESE])
@pytest.mark.parametrize(
    "passage", ["coat", "my coat is at the shop. " * 40, "长" * 90, "a🙂b é" * 9]
)
def test_windows_hold_every_token_and_their_offsets_lead_back(
    size, stride, asked, passage, tokenizer
):
    windows = Windows(tokenizer, size, stride).cut(asked, passage)
    whole = tokenizer.encode(passage, add_special_tokens=False)
    seen = []
    for window in windows:
        assert len(window.ids) == len(window.segments) == len(window.offsets) <= size
        inside = [place for place, kind in enumerate(window.segments) if kind != OUTSIDE]
        tokens = [(window.ids[place], window.offsets[place]) for place in inside]
        start = whole.offsets.index(tokens[0][1])
        assert tokens == list(zip(whole.ids, whole.offsets, strict=True))[start:][: len(tokens)]
        seen += tokens
    assert set(seen) == set(zip(whole.ids, whole.offsets, strict=True))
    if stride == 0:
        assert Counter(seen) == Counter(zip(whole.ids, whole.offsets, strict=True))


def test_a_window_is_framed_as_the_tokenizer_frames_two_texts(tokenizer):
    (window,) = Windows(tokenizer, 64, 8).cut("where is my coat", "the coat is at my shop")
    assert window.ids == tokenizer.encode("where is my coat", "the coat is at my shop").ids
    marked = [window.ids[place] for place, kind in enumerate(window.segments) if kind == SHARED]
    assert tokenizer.decode(marked) == "coat is my"
    assert len(frame_of(tokenizer, 2)) == 3


@pytest.mark.parametrize("passage", ["", " ", "\n\t"])
def test_an_empty_passage_has_no_window(passage, tokenizer):
    assert Windows(tokenizer, 32, 8).cut("where", passage) == []
    assert best_span([], [], 30) is None


def test_the_answer_of_a_window_is_its_whole_span_or_none(tokenizer):
    passage = "my coat is at the shop and my lamp is at the phone"
    windows = Windows(tokenizer, 16, 4).cut("where", passage)
    start = passage.index("at the phone")
    found = [answer_tokens(window, [(start, start + 12)]) for window in windows]
    hits = [(window, pair) for window, pair in zip(windows, found, strict=True) if pair != (0, 0)]
    assert hits
    for window, (first, last) in hits:
        assert passage[window.offsets[first][0] : window.offsets[last][1]] == "at the phone"
    assert (0, 0) in found
    assert answer_tokens(windows[0], []) == (0, 0)


def window_of(tokens):
    offsets = [(0, 0), *((place, place + 1) for place in range(tokens)), (0, 0)]
    return Window([0] * (tokens + 2), [0, *[1] * tokens, 0], offsets)


def logits_of(tokens, start, end, none=0.0, high=5.0):
    logits = np.zeros((tokens + 2, 2))
    logits[0] = none / 2
    logits[1 + start, 0] = logits[1 + end, 1] = high
    return logits


def test_the_best_span_is_in_order_and_no_longer_than_allowed():
    window = window_of(9)
    found = best_span([window], [logits_of(9, 2, 4)], 30)
    assert (found.start, found.end, found.margin) == (2, 5, 10)
    backwards = best_span([window], [logits_of(9, 4, 2)], 30)
    assert backwards.start < backwards.end
    long = best_span([window], [logits_of(9, 0, 8)], 3)
    assert long.end - long.start <= 3
    assert found.log_span < 0
    assert found.log_none == pytest.approx(found.log_span - 10)


def test_windows_compete_by_how_much_they_exceed_no_answer():
    windows = [window_of(5), window_of(5)]
    louder = logits_of(5, 1, 1, none=12.0, high=6.0)
    quieter = logits_of(5, 3, 3, none=0.0, high=3.0)
    assert best_span(windows, [louder, quieter], 30).start == 3


def test_the_graph_equals_the_module(tiny, tokenizer, tmp_path):
    torch.manual_seed(0)
    net = QaNet(load_encoder(resolve_encoder(tiny))[0], 32).eval()
    cut = Windows(tokenizer, 32, 8).cut
    windows = [*cut("where", "coat"), *cut("where is it", "my coat is at the shop " * 9)]
    batch = collate([{"input_ids": each.ids, "segments": each.segments} for each in windows])
    with torch.inference_mode():
        wanted = net(**batch).numpy()
    export_onnx(net, {name: value[:2] for name, value in batch.items()}, tmp_path / "m.onnx")
    path = resolve_encoder(tiny).path / "tokenizer.json"
    session = OnnxText(tmp_path / "m.onnx", path, 32, 1, features={"segments": segments_of})
    for row, logits in enumerate(session.run([""] * len(windows), windows)):
        outside = [place for place, kind in enumerate(windows[row].segments) if not kind][1:]
        assert logits.shape == (len(windows[row].ids), 2)
        assert (logits[outside] == NEVER).all()
        np.testing.assert_allclose(logits, wanted[row, : len(logits)], atol=1e-4)


def test_smoothing_spreads_over_places_that_can_be_an_answer(tiny, tokenizer):
    windows = Windows(tokenizer, 32, 8).cut("where", "my coat")
    batch = collate(
        [{"input_ids": each.ids, "segments": each.segments, "label": (0, 0)} for each in windows]
    )
    torch.manual_seed(0)
    losses = [
        QaNet(load_encoder(resolve_encoder(tiny))[0], 32, smoothing)(**batch)["loss"].item()
        for smoothing in (0.0, 0.1)
    ]
    assert max(losses) < 10
