"""A run pools as its encoder does: while it is tuned, served, explained and tuned further."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

from data.encoders import resolve_encoder
from finetune.explain import Explainer
from finetune.intent.contrastive import fit_tuned_head
from finetune.intent.frozen import frozen_head
from finetune.intent.text_logits import TextLogits
from finetune.reading import read_splits
from finetune.run_dir import RunDir
from finetune.tasks import TASKS
from finetune.train import train
from tests.conftest import intent_rows, open_encoder, small

pytestmark = pytest.mark.usefixtures("here")
TEXT = "where is parcel shoes"


@pytest.fixture(scope="module", params=["cls", "max", "lasttoken"])
def encoder(request, tiny, tmp_path_factory):
    folder = shutil.copytree(tiny, tmp_path_factory.mktemp("pooled") / request.param)
    modules = [{"idx": 1, "name": "1", "path": "1_Pooling", "type": "Pooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    told = json.dumps({"pooling_mode": request.param})
    (folder / "1_Pooling" / "config.json").write_text(told)
    return str(folder)


def made(config, folder, tmp_path):
    splits = read_splits(folder, None, lambda path: TASKS["intent"].read(path, config))
    return TASKS["intent"].trainer(config, splits, RunDir(tmp_path / "run")), splits


@pytest.mark.parametrize("method", ["full", "top_layers"])
def test_a_logistic_start_is_the_untuned_encoder_with_its_head(method, encoder, folders, tmp_path):
    config = small("intent", encoder, method, start="logistic")
    trainer, splits = made(config, folders["intent"], tmp_path)
    head = frozen_head(
        [row.text for row in splits.train], [row.label for row in splits.train], config
    )
    rows = [{**trainer.train_dataset[place], "label": 0} for place in range(len(splits.train))]
    batch = trainer.data_collator(rows)
    del batch["labels"]
    net = trainer.model.cpu().eval()
    with torch.inference_mode():
        said = net(**batch).numpy()
    np.testing.assert_allclose(said, head.head.logits(head.vectors), atol=1e-3)


def test_several_labels_start_as_the_untuned_encoder_with_its_heads(encoder, folders, tmp_path):
    config = small("intent", encoder, multi_label=True)
    trainer, splits = made(config, folders["intent"], tmp_path)
    vectors = open_encoder(encoder).encode([TEXT])
    tokens = trainer.data_collator.keywords["tokenizer"]([TEXT], return_tensors="pt")
    net = trainer.model.cpu().eval()
    with torch.inference_mode():
        own = net.vectors(tokens["attention_mask"], tokens["input_ids"]).numpy()
    np.testing.assert_allclose(own, vectors, atol=1e-4)
    assert len(splits.train) == 30


def test_what_a_head_is_fitted_on_after_comparing_texts_is_what_is_served(
    encoder, folders, tmp_path
):
    config = small("intent", encoder, "contrastive", head={"c": [1e3]})
    trainer, splits = made(config, folders["intent"], tmp_path)
    net, tokenizer = trainer.model.cpu(), trainer.data_collator.keywords["tokenizer"]
    texts, gold = [row.text for row in splits.train], [row.label for row in splits.train]
    fit_tuned_head(net, tokenizer, texts, gold, config)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        own = net.vectors(batch["attention_mask"], batch["input_ids"]).numpy()
        said = net(batch["input_ids"], batch["attention_mask"]).argmax(1)
    np.testing.assert_allclose(own, open_encoder(encoder).encode(texts), atol=1e-4)
    assert [sorted(set(gold))[place] for place in said] == gold


@pytest.mark.parametrize("method", ["full", "head"])
def test_a_run_serves_and_explains_in_the_way_of_its_encoder(method, encoder, folders, tmp_path):
    config = small("intent", encoder, method, words=False)
    run = train(config, folders["intent"], tmp_path / "run").run
    pooling = resolve_encoder(encoder).way.pooling
    assert json.loads(run.base.read_text())["pooling"] == pooling
    logits, explainer = TextLogits(run, open_encoder, 1), Explainer(run)
    above = logits.of([TEXT])[0] - load_file(run.head)["bias"]
    for place, label in enumerate(json.loads(run.labels.read_text())):
        found = explainer.score(TEXT, label)
        assert found == pytest.approx(above[0, place] - above[0].mean(), abs=1e-3)


@pytest.mark.parametrize("objective", ["masked", "denoising"])
def test_an_encoder_that_is_pretrained_further_pools_as_before(objective, encoder, tmp_path):
    texts = [row["text"] for row in intent_rows()]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    config = small("pretrain", encoder, pretrain={"objective": objective, "head_steps": 1})
    run = train(config, tmp_path / "texts.txt", tmp_path / "run").run
    found, way = resolve_encoder(str(run.root)), resolve_encoder(encoder).way
    assert found.way == way
    own = SentenceTransformer(str(found.path)).encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(open_encoder(str(run.root)).encode(texts), own, atol=1e-4)


def test_the_mean_is_not_written_down(tiny, folders, tmp_path):
    run = train(small("intent", tiny), folders["intent"], tmp_path / "run").run
    assert set(json.loads(run.base.read_text())) == {"encoder", "fingerprint"}
