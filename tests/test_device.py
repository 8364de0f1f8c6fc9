"""`device: cpu` is kept on a machine with a GPU, in every step of a run."""

import pytest
import torch

from apps.verbs.evaluate import evaluate_path
from data.errors import ConfigError
from data.schema import Situation, Turn
from finetune.devices import device_name, uses_cuda
from finetune.dialogue.causal import untuned_causal
from finetune.dialogue.model import DialogueModel
from finetune.dialogue.writer import untuned_writer
from finetune.reading import read_splits
from finetune.reply import cross_encoder as cross
from finetune.reply import task as bi
from finetune.run_dir import RunDir
from finetune.summary.model import SummaryModel
from finetune.tasks import TASKS
from finetune.train import train
from tests.conftest import reply_rows, small, write_lines

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def seen(monkeypatch):
    """A GPU that torch says is there; nothing can be put on it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


def test_the_config_decides(tiny, seen):
    assert device_name(small("intent", tiny, device="cpu")) == "cpu"
    assert device_name(small("intent", tiny)) == "cuda"


@pytest.mark.parametrize("values", [{"device": "cuda"}, {"method": "qlora"}])
def test_a_run_that_needed_a_gpu_to_train_is_scored_without_one(values, tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = small("intent", tiny, **values)
    assert device_name(config) == "cpu"
    with pytest.raises(ConfigError, match="CUDA device|torch sees none here"):
        uses_cuda(config)


class Enough(Exception):
    """The last model that a trainer makes was made."""


@pytest.mark.parametrize("kind", ["bi_encoder", "cross_encoder"])
def test_a_reply_model_is_made_where_the_config_says(kind, tiny, tmp_path, seen, monkeypatch):
    rows = [row for name in "abcdef" for row in reply_rows(name=name)]  # enough to mine from
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", reply_rows())
    config = small("reply", tiny, device="cpu", reply={"kind": kind, "hard_negatives": 1})
    splits = read_splits(tmp_path, None, lambda path: TASKS["reply"].read(path, config))
    given = []

    def made(*_, device, **__):
        given.append(device)
        raise Enough

    last = (bi, "SentenceTransformer") if kind == "bi_encoder" else (cross, "CrossEncoder")
    monkeypatch.setattr(*last, made)
    with pytest.raises(Enough):  # the cross-encoder's miner, before it, could not go to a GPU
        TASKS["reply"].trainer(config, splits, RunDir(tmp_path / "run"))
    assert given == ["cpu"]


def test_a_model_that_is_not_tuned_yet_writes_there(tiny, qwen, seen):
    for made, encoder in ((untuned_writer, tiny), (untuned_causal, qwen)):
        talker = made(small("dialogue", encoder, device="cpu"))
        assert talker.nats([Situation((Turn("customer", "hi"),))], ["hello"]).shape[0] == 1


def test_what_was_trained_writes_there(tiny, tmp_path, monkeypatch):
    write_lines(tmp_path / "talks" / "train.jsonl", reply_rows())
    write_lines(tmp_path / "talks" / "validation.jsonl", reply_rows())
    pairs = [{"text": "a b c", "summary": "a b"}, {"text": "c d e", "summary": "c d"}]
    for split in ("train", "validation"):
        write_lines(tmp_path / "texts" / f"{split}.jsonl", pairs)
    short = {"max_target_tokens": 4}
    talks = train(small("dialogue", tiny, dialogue=short), tmp_path / "talks", tmp_path / "a").run
    texts = train(small("summary", tiny, summary=short), tmp_path / "texts", tmp_path / "b").run
    for run, rows in ((talks, "talks"), (texts, "texts")):  # trained on a GPU, evaluated here
        values = run.read_config()
        run.write_config({**values, "train": {**values["train"], "device": "cuda"}})
        assert evaluate_path(run.root, tmp_path / rows / "validation.jsonl")["n"] > 0
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    DialogueModel(talks.root, 1, "cpu").write_all([Situation((Turn("customer", "hi"),))])
    assert len(SummaryModel(texts.root, 1, "cpu").write(["a b c"])) == 1
    for open_one in (DialogueModel, SummaryModel):
        root = talks.root if open_one is DialogueModel else texts.root
        with pytest.raises((AssertionError, RuntimeError)):  # it asks for the GPU, which is not
            open_one(root, 1)
