"""What is served is what was trained: exported graphs, and long texts read in windows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.encoders import resolve_encoder
from data.onnx_text import OnnxText
from data.schema import Example
from finetune.encoder import Pooled, export_onnx, load_encoder, token_inputs
from finetune.intent.net import IntentNet
from finetune.ner.model import NerModel
from finetune.ner.net import NerNet, collate, token_rows
from finetune.ner.shapes import shape_ids
from finetune.train import train
from tests.conftest import small

pytestmark = pytest.mark.usefixtures("here")


TEXTS = ["where", "where is my parcel", "give me my money back " * 6, "AB-12 £5 dan@example.com"]


def test_the_intent_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = IntentNet(encoder, 32, labels=5, smoothing=0.0).eval()
    export_onnx(net, token_inputs(tokenizer), tmp_path / "m.onnx")
    check_graph(net, tokenizer, tiny, tmp_path / "m.onnx")


def test_the_pooled_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = Pooled(encoder).eval()
    export_onnx(net, token_inputs(tokenizer), tmp_path / "m.onnx")
    check_graph(net, tokenizer, tiny, tmp_path / "m.onnx")


def check_graph(net, tokenizer, tiny, graph):
    session = OnnxText(graph, Path(tiny) / "tokenizer.json", 64, threads=1)
    for texts in (TEXTS, TEXTS[:1], TEXTS[2:]):
        batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            wanted = net(batch["input_ids"], batch["attention_mask"]).numpy()
        np.testing.assert_allclose(np.stack(session.run(texts)), wanted, atol=1e-4)


def test_the_ner_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    torch.manual_seed(1)
    net = NerNet(encoder, 32, tags=5).eval()
    torch.nn.init.normal_(net.own.weight, std=0.1)
    torch.nn.init.normal_(net.chunk.weight, std=0.1)
    tokens = token_rows([Example(text) for text in TEXTS], tokenizer, ["O"], 64)
    batch = collate(tokens)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "shapes")}
    export_onnx(net, {name: value[:2] for name, value in inputs.items()}, tmp_path / "m.onnx")
    session = OnnxText(
        tmp_path / "m.onnx", Path(tiny) / "tokenizer.json", 64, 1, features={"shapes": shape_ids}
    )
    with torch.inference_mode():
        wanted = net(**inputs).numpy()
    for row, logits in enumerate(session.run(TEXTS)):
        assert logits.shape == (len(tokens[row]["input_ids"]), 5)
        np.testing.assert_allclose(logits, wanted[row, : len(logits)], atol=1e-4)


def test_hidden_tokens_are_read_as_the_mask_while_training_alone(tiny):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    mask = tokenizer.mask_token_id
    net = NerNet(encoder, 32, tags=5, hidden=0.5, mask_id=mask)
    batch = collate(token_rows([Example(TEXTS[2])], tokenizer, ["O"], 64))
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "shapes")}
    read = []
    words = encoder.get_input_embeddings()
    words.register_forward_pre_hook(lambda _, ids: read.append(ids[0]))
    torch.manual_seed(0)
    for mode in (net.train, net.eval):
        mode()
        net(**inputs)
    shown, whole = read
    assert 0.3 < (shown == mask).float().mean() < 0.7
    assert torch.equal(shown[shown != mask], inputs["input_ids"][shown != mask])
    assert torch.equal(whole, inputs["input_ids"])


def test_a_long_text_is_read_to_its_end_with_offsets_of_the_whole(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    model = NerModel(run.root, threads=1)
    model._transitions = np.zeros((5, 5))
    model._texts.run = lambda pieces, encodings: [
        np.array([[0, 9 * (piece[s:e] == "zed"), 0, 0, 0] for s, e in encoding.offsets], float)
        for piece, encoding in zip(pieces, encodings, strict=True)
    ]
    model._texts._tokenizer.add_tokens(["zed"])
    for filler in ("x y ", "長い", "🙂 ", "no", "word. "):  # some have a token a character
        text = (filler * 10_000)[:9_700]
        text = " zed ".join(text[start : start + 970] for start in range(0, 9_700, 970)) + " zed"
        entities = model.predict(["short", text])[1]
        starts = [place for place in range(len(text)) if text.startswith("zed", place)]
        assert [entity.start for entity in entities] == starts
        assert {entity.text for entity in entities} == {"zed"}


def test_every_character_of_a_long_text_is_in_one_window(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    model = NerModel(run.root, threads=1)
    seen = []
    model._texts.run = lambda pieces, encodings: (
        seen.extend(pieces) or [np.zeros((len(encoding.ids), 5)) for encoding in encodings]
    )
    for text in (
        "a" * 10_000,
        "長" * 3_000,
        "a b " * 2_500,
        "\n" * 999,
        "x" * 399 + " " + "y" * 500,
    ):
        seen.clear()
        model.predict([text])
        assert "".join(seen) == text


def test_an_emoji_text_survives_prediction(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    text = "👩‍👩‍👧 où est ma commande №5 — ✅\u200d\u00a0\u2028 ﬁn"
    for entity in NerModel(run.root, threads=1).predict([text])[0]:
        assert text[entity.start : entity.end] == entity.text
