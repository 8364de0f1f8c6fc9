"""What several test files need: a two-layer BERT made on the spot, rows of each task, a config."""

import json
import math
import re

import pytest

from finetune.config import TrainConfig

SMALL = {"batch_size": 4, "max_steps": 2, "lr": 1e-3}
INTENTS = {
    "refund": "give me my money back {} please",
    "delivery": "where is parcel {} when does it arrive",
    "login": "i forgot password {} for account",
}
THINGS = "shoes coat phone lamp desk chair book mug ring kettle".split()
ANSWERS = [f"your {thing} is on its way to the {thing} shop" for thing in THINGS]
WORDS = sorted({word for text in [*INTENTS.values(), *ANSWERS] for word in text.split()})


def pytest_collection_modifyitems(items):
    """The demo first: it trains for minutes, beside which the other process does the rest."""
    items.sort(key=lambda item: item.path.name != "test_demo.py")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a BERT of two layers of width 32 and its WordPiece tokenizer."""
    import torch  # seconds to import, and most test files do without
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    chars = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *chars, *(f"##{c}" for c in chars)]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys([*pieces, *WORDS]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_max_length=512,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def qwen(tiny, tmp_path_factory):
    """The folder of a Qwen3 of two layers with the tokenizer of `tiny`, which has no template."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("qwen")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.eos_token = "[SEP]"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, eos_token_id=3, pad_token_id=0,
        bos_token_id=2, max_position_embeddings=512,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def here(tmp_path_factory, monkeypatch):
    """Exported encoders go to var/ of the working folder: one for all tests that ask for this."""
    folder = tmp_path_factory.getbasetemp() / "work"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def intent_rows(things=THINGS):
    return [
        {"text": text.format(thing), "label": label}
        for thing in things
        for label, text in INTENTS.items()
    ]


def ner_rows(things=THINGS):
    rows = []
    for number, thing in enumerate(things):
        text = f"where is parcel AB-{number}{number + 1} with my {thing}"
        start, place = text.index("AB-"), text.index(thing)
        rows.append(
            {
                "text": text,
                "entities": [
                    {"type": "order", "start": start, "end": start + 5},
                    {"type": "thing", "start": place, "end": place + len(thing)},
                ],
            }
        )
    return rows


def reply_rows(things=THINGS, name="c"):
    return [
        {
            "id": f"{name}{number}",
            "turns": [
                {"speaker": "customer", "text": f"where is parcel {thing}"},
                {"speaker": "agent", "text": f"your {thing} is on its way to the {thing} shop"},
            ],
        }
        for number, thing in enumerate(things)
    ]


ROWS = {"intent": intent_rows, "ner": ner_rows, "reply": reply_rows}


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder with the three splits for each task."""
    root = tmp_path_factory.mktemp("rows")
    for task, rows in ROWS.items():
        for split in ("train", "validation", "test"):
            write_lines(root / task / f"{split}.jsonl", rows())
    return {task: root / task for task in ROWS}


def small(task, tiny, method="full", optim=SMALL, **values):
    """A config for the tiny encoder, in single precision: the same run on every machine."""
    return TrainConfig.model_validate(
        {"task": task, "encoder": tiny, "method": method, "threads": 1, "max_tokens": 32,
         "top_layers": 1, "optim": {"precision": "fp32", **optim}, **values}
    )  # fmt: skip


def open_encoder(name):
    from finetune.serving import shared_encoder

    return shared_encoder(name, threads=1)


def finite(values):
    if isinstance(values, dict):
        return all(finite(value) for value in values.values())
    if isinstance(values, list):
        return all(map(finite, values))
    return math.isfinite(values)


def names_a_thing(logged):
    """Whether a word of the customers' rows is among the logged words."""
    return not set(re.findall(r"\w+", logged)).isdisjoint(THINGS)


def log_rows(run):
    return [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]
