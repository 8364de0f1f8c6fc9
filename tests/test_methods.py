"""Every task by every method it offers, and that each method does what it says."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import Adafactor

from data.encoders import resolve_encoder
from data.errors import ConfigError
from data.onnx_text import OnnxText
from finetune.arguments import balanced
from finetune.encoder import export_onnx, load_encoder, save_encoder, token_inputs
from finetune.intent.frozen import frozen_head
from finetune.intent.model import IntentModel
from finetune.intent.net import IntentNet
from finetune.methods import ADAPTERS, METHODS, Method
from finetune.ner.model import NerModel
from finetune.reading import read_splits
from finetune.reply.model import ReplyModel
from finetune.run_dir import RunDir
from finetune.tasks import TASKS
from finetune.train import train
from finetune.trainable import Unfreeze, optimizer_of, parameter_groups, prepare
from tests.conftest import (
    ANSWERS,
    INTENTS,
    SMALL,
    finite,
    intent_rows,
    log_rows,
    names_a_thing,
    open_encoder,
    small,
    write_lines,
)

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("here")


def intent_predicts(out):
    prediction = IntentModel(out, open_encoder, threads=1).predict(["where is my parcel", ""])[0]
    assert prediction.top[0][0] in INTENTS
    assert sum(sure for _, sure in prediction.top) == pytest.approx(1, abs=1e-4)


def ner_predicts(out):
    for entities in NerModel(out, threads=1).predict(["where is parcel AB-12", "", "  "]):
        assert all(0 <= entity.confidence <= 1 for entity in entities)


def reply_predicts(out):
    ranked = ReplyModel(out, threads=1).rank("where is parcel shoes", ANSWERS)
    assert sorted(place for place, _ in ranked) == list(range(len(ANSWERS)))
    assert all(-1.001 <= score <= 1.001 for _, score in ranked)


PREDICTS = {"intent": intent_predicts, "ner": ner_predicts, "reply": reply_predicts}
CELLS = [(task, method) for task in PREDICTS for method in METHODS[task] if method != "qlora"]
QLORA = [task for task in PREDICTS if "qlora" in METHODS[task]]


@pytest.mark.parametrize(("task", "method"), CELLS)
def test_two_steps_give_a_complete_run_that_reloads(
    task, method, tiny, folders, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "mine"
    caplog.set_level("INFO")
    done = train(small(task, tiny, method), folders[task], out)

    run = RunDir(out)
    assert run.check(task) == task
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    assert [path.name for path in out.parent.iterdir()] == ["mine"]
    weights = {path.name for path in run.weights.iterdir()}
    if (task, method) == ("intent", "head"):
        assert weights - {"words.safetensors", "memory.safetensors"} == {
            "head.safetensors",
            "sha256.json",
        }
    else:
        assert {"model.onnx", "sha256.json"} <= weights
        assert ("adapter" if method in ADAPTERS else "encoder") in weights

    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    assert metrics == done.metrics
    assert set(metrics) == {"validation", "test"}
    for stages in metrics.values():
        assert set(stages) == {"baseline", "before", "after", "intervals"}
        assert finite(stages)
        for metric, sure in stages.get("intervals", {}).items():
            if metric != "ece":  # a mean of gaps: larger on any draw of the rows
                assert sure["after"][0] <= stages["after"][metric] <= sure["after"][1], metric
    assert TASKS[task].best_metric in metrics["test"]["after"]
    if (task, method) != ("intent", "head"):
        losses = [row["train_loss"] for row in log_rows(run) if "train_loss" in row]
        assert losses
        assert finite(losses[-1])
    assert "<h1>mine</h1>" in run.report.read_text(encoding="utf-8")
    assert run.card.read_text(encoding="utf-8").startswith("# mine\n")

    PREDICTS[task](out)
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # INFO and above: customers' words are private


@pytest.mark.parametrize("task", [task for task in METHODS if task not in PREDICTS])
def test_the_methods_of_another_task_are_tried_in_its_own_file(task):
    assert f'METHODS["{task}"]' in (ROOT / f"tests/test_{task}.py").read_text(encoding="utf-8")


def test_the_table_of_the_page_is_what_the_config_offers():
    page = (ROOT / "docs/tuning.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    (head,) = (row for row in rows if row[0] == "task")
    told = {row[0]: row[1:] for row in rows if row[0] in METHODS and len(row) == len(head)}
    assert {
        task: {name for name, cell in zip(head[1:], cells, strict=True) if cell == "yes"}
        for task, cells in told.items()
    } == {task: set(methods) for task, methods in METHODS.items()}
    assert {row[0] for row in rows if len(row) == 5} >= set(get_args(Method))


@pytest.mark.gpu
@pytest.mark.parametrize("task", QLORA)
def test_four_bit_weights_train_and_serve_as_any_other(task, tiny, folders, tmp_path):
    pytest.importorskip("bitsandbytes")
    run = train(small(task, tiny, "qlora"), folders[task], tmp_path / "run").run
    assert (run.weights / "adapter" / "adapter_model.safetensors").exists()
    PREDICTS[task](run.root)


@pytest.mark.parametrize("task", QLORA)
def test_four_bit_weights_without_a_gpu_are_refused(task, tiny, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError) as caught:
        train(small(task, tiny, "qlora"), folders[task], tmp_path / "run")
    assert str(caught.value) == (
        "method qlora: its 4-bit weights need a CUDA device; use lora here"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", [each for each in METHODS["intent"] if each != "qlora"])
def test_a_handful_of_rows_trains(method, tiny, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", intent_rows()[:5])
    metrics = train(small("intent", tiny, method), path, tmp_path / "run").metrics
    assert metrics["validation"]["after"]["n"] == 1


def encoder_by(method, tiny, **values):
    """The encoder as the method has it, and its config."""
    config = small("intent", tiny, method, **values)
    return prepare(load_encoder(resolve_encoder(tiny))[0], config), config


TRAINED = {
    "full": r"(?!pooler).*",
    "gradual": r"(?!pooler).*",
    "frozen_embeddings": r"(?!pooler|embeddings.word_embeddings).*",
    "contrastive": r"(?!pooler|embeddings.word_embeddings).*",
    "top_layers": r"encoder\.layer\.1\..*",
    "head": r"$",
    "lora": r".*lora_[AB].*",
    "dora": r".*lora_(A|B|magnitude_vector).*",
    "ia3": r".*ia3_l.*",
    "prefix": r"prompt_encoder.*",
    "prompt": r"prompt_encoder.*",
}


@pytest.mark.parametrize("method", TRAINED)
def test_a_method_trains_what_it_says_and_nothing_else(method, tiny):
    encoder, _ = encoder_by(method, tiny)
    for name, parameter in encoder.named_parameters():
        assert parameter.requires_grad == bool(re.fullmatch(TRAINED[method], name)), name


def test_what_is_not_trained_is_saved_as_it_was(tiny, folders, tmp_path):
    run = train(small("intent", tiny, "top_layers"), folders["intent"], tmp_path / "run").run
    old = load_file(Path(tiny) / "model.safetensors")
    new = load_file(run.weights / "encoder" / "model.safetensors")
    changed = {name for name, value in new.items() if not np.array_equal(value, old[name])}
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)


def test_more_layers_than_there_are_are_refused(tiny, folders, tmp_path):
    config = small("intent", tiny, "top_layers", top_layers=3)
    with pytest.raises(ConfigError, match="top_layers: 3, but the encoder has 2 layers"):
        train(config, folders["intent"], tmp_path / "run")


@pytest.mark.parametrize("method", ["prompt", "prefix", "lora", "dora", "ia3"])
def test_the_graph_of_an_adapted_encoder_equals_the_module(method, tiny, tmp_path):
    torch.manual_seed(1)
    encoder, _ = encoder_by(method, tiny)
    for parameter in encoder.parameters():
        if parameter.requires_grad:  # adapters begin as no change at all
            torch.nn.init.normal_(parameter, std=0.3)
    tokenizer = load_encoder(resolve_encoder(tiny))[1]
    net = IntentNet(encoder, 32, labels=3).eval()
    texts = ["where", "where is my parcel", "give me my money back " * 6]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        wanted = net(batch["input_ids"], batch["attention_mask"]).numpy()
        bare = IntentNet(load_encoder(resolve_encoder(tiny))[0], 32, labels=3).eval()
        bare.linear = net.linear
        plain = bare(batch["input_ids"], batch["attention_mask"]).numpy()
    assert np.abs(wanted - plain).max() > 1e-2  # the adapter does tell
    net.encoder = save_encoder(net.encoder, tmp_path, resolve_encoder(tiny))
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    export_onnx(net, token_inputs(tokenizer), tmp_path / "m.onnx")
    session = OnnxText(tmp_path / "m.onnx", Path(tiny) / "tokenizer.json", 64, threads=1)
    np.testing.assert_allclose(np.stack(session.run(texts)), wanted, atol=1e-4)
    np.testing.assert_allclose(session.run(texts[:1])[0], wanted[0], atol=1e-4)


def test_gradual_opens_layer_after_layer_and_all_by_half_time(tiny):
    encoder, _ = encoder_by("gradual", tiny)
    callback, seen = Unfreeze(encoder), []
    for step in range(12):
        callback.on_step_begin(None, SimpleNamespace(global_step=step, max_steps=12), None)
        seen.append([
            all(parameter.requires_grad for parameter in part.parameters())
            for part in (encoder.encoder.layer[1], encoder.encoder.layer[0], encoder.embeddings)
        ])  # fmt: skip
    assert [sum(each) for each in seen] == [1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]
    assert all(each == sorted(each, reverse=True) for each in seen)
    later = Unfreeze(encoder)  # a resumed training starts in the middle
    later.on_step_begin(None, SimpleNamespace(global_step=3, max_steps=12), None)
    assert not encoder.embeddings.word_embeddings.weight.requires_grad


def test_the_rate_falls_with_each_layer_down(tiny):
    encoder, config = encoder_by("full", tiny, optim={"lr": 1.0, "layer_decay": 0.5})
    net = IntentNet(encoder, 32, labels=3)
    rates = {
        id(parameter): group["lr"]
        for group in parameter_groups(net, config)
        for parameter in group["params"]
    }
    trained = [(name, each) for name, each in net.named_parameters() if each.requires_grad]
    assert len(rates) == len(trained)
    for name, parameter in trained:
        depth = (
            2 if "embeddings" in name else 1 if "layer.0." in name else 0
        )  # steps below the uppermost layer; head and scale learn with it
        assert rates[id(parameter)] == pytest.approx(0.5**depth), name


def test_biases_norms_and_single_numbers_do_not_decay(tiny):
    encoder, config = encoder_by("full", tiny, optim={"weight_decay": 0.1})
    net = IntentNet(encoder, 32, labels=3)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    for group in parameter_groups(net, config):
        for parameter in group["params"]:
            name = names[id(parameter)]
            still = name.endswith("bias") or "LayerNorm" in name or name == "scale"
            assert group["weight_decay"] == (0.0 if still else 0.1), name


def test_the_rarer_a_label_the_more_its_rows_count(tiny):
    weights = balanced([9, 1])
    torch.testing.assert_close(weights, torch.tensor([10 / 18, 5.0]))
    torch.manual_seed(0)
    net = IntentNet(load_encoder(resolve_encoder(tiny))[0], 32, 2, weights=weights).eval()
    ids, mask = torch.randint(5, 60, (10, 4)), torch.ones(10, 4, dtype=torch.long)
    gold = torch.tensor([0] * 9 + [1])
    with torch.inference_mode():
        found = net(ids, mask, gold)
        each = torch.nn.functional.cross_entropy(found["logits"], gold, reduction="none")
    # Nine rows of one label count as much as the one row of the other.
    torch.testing.assert_close(found["loss"], (each[:9].mean() + each[9]) / 2)


@pytest.mark.parametrize("task", ["intent", "ner"])
def test_balanced_labels_and_each_optimizer_train(task, tiny, folders, tmp_path):
    for number, values in enumerate(
        (
            {"optimizer": "sgd", "precision": "bf16"},
            {"optimizer": "adafactor", "schedule": "constant"},
            {"class_weights": "balanced", "schedule": "cosine", "layer_decay": 0.8},
            {"accumulate": 2, "clip": 0.5, "checkpoint_activations": True, "dropout": 0.2},
        )
    ):
        config = small(task, tiny, optim={**SMALL, **values})
        run = train(config, folders[task], tmp_path / str(number)).run
        assert finite([row["train_loss"] for row in log_rows(run) if "train_loss" in row])


@pytest.mark.parametrize("method", ["top_layers", "frozen_embeddings"])
def test_activations_are_computed_twice_where_it_is_asked_for(method, tiny, folders, tmp_path):
    task = TASKS["intent"]
    config = small("intent", tiny, method, optim={**SMALL, "checkpoint_activations": True})
    splits = read_splits(folders["intent"], None, lambda path: task.read(path, config))
    trainer = task.trainer(config, splits, RunDir(tmp_path))
    modules = trainer.model.encoder.modules()
    assert any(getattr(each, "gradient_checkpointing", False) for each in modules)
    trainer.train()
    assert trainer.state.global_step == SMALL["max_steps"]


def test_each_optimizer_is_the_one_asked_for(tiny):
    kinds = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "adafactor": Adafactor}
    for name, kind in kinds.items():
        encoder, config = encoder_by("full", tiny, optim={"optimizer": name})
        optimizer = optimizer_of(IntentNet(encoder, 32, 3), config)
        assert type(optimizer) is kind


def test_a_logistic_start_is_the_untuned_encoder_with_its_head(tiny, folders, tmp_path):
    task = TASKS["intent"]
    for start in ("logistic", "random"):
        config = small("intent", tiny, start=start)
        splits = read_splits(
            folders["intent"], None, lambda path, config=config: task.read(path, config)
        )
        texts = [row.text for row in splits.train]
        net = task.trainer(config, splits, RunDir(tmp_path / start)).model.cpu().eval()
        head = frozen_head(texts, [row.label for row in splits.train], config)
        batch = load_encoder(resolve_encoder(tiny))[1](texts, padding=True, return_tensors="pt")
        with torch.inference_mode():
            said = net(batch["input_ids"], batch["attention_mask"]).numpy()
        same = np.allclose(said, head.head.logits(head.vectors), atol=1e-3)
        assert same == (start == "logistic")
