"""transformers' Trainer as its documentation has people write it: the peer of what we add."""

from collections.abc import Sequence
from typing import Any

import transformers
from datasets import Dataset
from scipy.special import expit, softmax
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from benchmarks.finetune.answers import (
    SURE,
    Answers,
    Predict,
    Record,
    indicators,
    intent_answers,
    label_names,
    multi_answers,
)
from data.encoders import DEFAULT_ENCODER, resolve_encoder
from data.schema import Entity
from finetune.metrics import word_tags

MAX_TOKENS = 256


def text_trainer(
    task: str, train: list[Record], epochs: float, batch_size: int, lr: float | None, seed: int
) -> tuple[Predict, float]:
    """Sequence classification; what predicts, and the seconds of the training loop."""
    path, tokenizer = _begin(seed)
    names = label_names(train, task)
    several = task == "multi"
    model = AutoModelForSequenceClassification.from_pretrained(
        path,
        num_labels=len(names),
        problem_type="multi_label_classification" if several else "single_label_classification",
    )

    def rows_of(rows: Sequence[Record]) -> Any:  # noqa: ANN401 - a datasets.Dataset
        texts = Dataset.from_dict({"text": [row["text"] for row in rows]})
        return texts.map(
            lambda batch: tokenizer(batch["text"], truncation=True, max_length=MAX_TOKENS),
            batched=True, remove_columns=["text"],
        )  # fmt: skip

    if several:
        wanted = indicators(train, names).astype(float).tolist()
    else:
        wanted = [names.index(row["label"]) for row in train]
    trainer = Trainer(
        model=model,
        args=_arguments(epochs, batch_size, lr, seed),
        train_dataset=rows_of(train).add_column("labels", wanted),
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    seconds = float(trainer.train().metrics["train_runtime"])

    def predict(rows: Sequence[Record]) -> Answers:
        logits = trainer.predict(rows_of(rows)).predictions
        if several:
            return multi_answers(expit(logits) >= SURE, names)
        return intent_answers(softmax(logits, axis=1), names)

    return predict, seconds


def tag_trainer(
    task: str, train: list[Record], epochs: float, batch_size: int, lr: float | None, seed: int
) -> tuple[Predict, float]:
    """Token classification over words, the first piece of each with its tag."""
    path, tokenizer = _begin(seed)
    kinds = sorted({entity["type"] for row in train for entity in row["entities"]})
    tags = ["O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI")]
    model = AutoModelForTokenClassification.from_pretrained(path, num_labels=len(tags))

    def tokens(row: Record) -> Any:  # noqa: ANN401 - a transformers encoding
        return tokenizer(
            row["text"].split(), is_split_into_words=True, truncation=True, max_length=MAX_TOKENS
        )

    def features(row: Record, labelled: bool) -> dict[str, list[int]]:
        encoding = tokens(row)
        made = {name: encoding[name] for name in ("input_ids", "attention_mask")}
        if labelled:
            found = word_tags(row["text"], [_entity(row["text"], e) for e in row["entities"]])
            firsts = _firsts(encoding)
            made["labels"] = [
                tags.index(found[firsts[n]]) if n in firsts else -100
                for n in range(len(encoding["input_ids"]))
            ]
        return made

    trainer = Trainer(
        model=model,
        args=_arguments(epochs, batch_size, lr, seed),
        train_dataset=Dataset.from_list([features(row, True) for row in train]),
        data_collator=DataCollatorForTokenClassification(tokenizer),
    )
    seconds = float(trainer.train().metrics["train_runtime"])

    def predict(rows: Sequence[Record]) -> Answers:
        data = Dataset.from_list([features(row, False) for row in rows])
        best = trainer.predict(data).predictions.argmax(axis=2)
        said = []
        for row, places in zip(rows, best, strict=True):
            words = row["text"].split()
            given = ["O"] * len(words)
            for token, word in _firsts(tokens(row)).items():
                given[word] = tags[places[token]]
            said.append(_spans(words, given))
        return {"said": said}

    return predict, seconds


def _begin(seed: int) -> tuple[str, Any]:
    """Path and tokenizer of the encoder; seeds set."""
    transformers.set_seed(seed)
    path = str(resolve_encoder(DEFAULT_ENCODER).path)
    return path, AutoTokenizer.from_pretrained(path)


def _arguments(epochs: float, batch_size: int, lr: float | None, seed: int) -> TrainingArguments:
    given = {} if lr is None else {"learning_rate": lr}
    return TrainingArguments(
        output_dir="trainer",  # in the cell's own folder
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=64,
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **given,
    )


def _firsts(encoding: Any) -> dict[int, int]:  # noqa: ANN401 - a transformers encoding
    """Place of each word's first piece → place of the word."""
    found: dict[int, int] = {}
    before = None
    for token, word in enumerate(encoding.word_ids()):
        if word is not None and word != before:
            found[token] = word
        before = word
    return found


def _spans(words: list[str], tags: list[str]) -> list[tuple[str, int, int]]:
    """(type, start, end) characters of the words joined by spaces; a stray `I-` begins one."""
    spans: list[tuple[str, int, int]] = []
    place, before = 0, "O"
    for word, tag in zip(words, tags, strict=True):
        end = place + len(word)
        if tag.startswith("I-") and before[2:] == tag[2:]:
            spans[-1] = (tag[2:], spans[-1][1], end)
        elif tag != "O":
            spans.append((tag[2:], place, end))
        before, place = tag, end + 1
    return spans


def _entity(text: str, entity: Record) -> Entity:
    start, end = entity["start"], entity["end"]
    return Entity(entity["type"], text[start:end], start, end)
