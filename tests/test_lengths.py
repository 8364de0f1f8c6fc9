"""Texts are never longer than the encoder has positions for, in training and in serving."""

import json
import shutil
from pathlib import Path

import pytest

from apps.verbs.predict import explained, predict_texts
from data.errors import ConfigError
from finetune.lengths import within_positions
from finetune.train import train
from tests.conftest import THINGS, intent_rows, ner_rows, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
LONG = " ".join(THINGS * 30)


@pytest.fixture(scope="module")
def short(tiny, tmp_path_factory):
    """The folder of the tiny encoder with 64 positions."""
    from transformers import BertConfig, BertModel

    folder = shutil.copytree(tiny, tmp_path_factory.mktemp("short") / "encoder")
    config = BertConfig.from_pretrained(tiny)
    config.max_position_embeddings = 64
    BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("task", "method", "asked", "wanted"),
    [
        ("intent", "full", 96, 64),
        ("intent", "full", 32, 32),
        ("qa", "prompt", 96, 48),
        ("ner", "prefix", 49, 48),
        ("summary", "full", 96, 96),  # whose two sides are checked where the network is made
    ],
)
def test_max_tokens_is_no_more_than_the_positions_left(task, method, asked, wanted, short):
    config = small(task, short, method, max_tokens=asked)
    assert within_positions(config, Path(short)).max_tokens == wanted


def test_tokens_before_a_text_leave_room_for_it(short):
    config = small("ner", short, "prompt", adapter={"virtual_tokens": 60})
    with pytest.raises(ConfigError, match="virtual_tokens: 60 leave no room for a text on the 64"):
        within_positions(config, Path(short))


@pytest.mark.parametrize("method", ["full", "prefix"])
def test_long_rows_train_on_an_encoder_of_few_positions(method, short, tmp_path):
    rows = [{**row, "text": f"{row['text']} {LONG}"} for row in intent_rows()]
    path = write_lines(tmp_path / "rows.jsonl", rows)
    run = train(small("intent", short, method, max_tokens=96), path, tmp_path / "run").run
    assert run.read_config()["train"]["max_tokens"] == (64 if method == "full" else 48)


def test_entities_of_a_long_text_are_read_in_windows_that_fit(short, tmp_path):
    path = write_lines(tmp_path / "rows.jsonl", ner_rows())
    run = train(small("ner", short, "prompt"), path, tmp_path / "run").run
    assert json.loads(run.base.read_text())["positions"] == 48
    (row,) = predict_texts(run.root, [LONG])
    assert row["text"] == LONG
    assert len(next(explained(run.root, [LONG]))["words"]) == len(LONG.split())
