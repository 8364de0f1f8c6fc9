"""Entity recognition: token classification over the encoder, word-shape embeddings beside it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from scipy.special import log_softmax
from sklearn.linear_model import SGDClassifier
from torch import Tensor, nn
from transformers import Trainer

from data.conversations import entity_values
from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.schema import Entity, Example
from finetune.config import TrainConfig
from finetune.encoder import (
    add_lora,
    base_of,
    export_onnx,
    load_encoder,
    save_encoder,
    save_tokenizer,
)
from finetune.loop import BY_LENGTH, Rows, arguments, freeze, stopping, trained
from finetune.metrics import entity_metrics, span_counts
from finetune.ner_model import NerModel
from finetune.reading import Splits, read_entities
from finetune.run_dir import RunDir, write_json
from finetune.shapes import CHUNK_SHAPES, OWN_SHAPES, shape_ids
from finetune.tags import IGNORE, allowed, best_path, spans_of, tag_names, tags_for
from finetune.task import Scored, Scorer, Trains

BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


class NerNet(nn.Module):
    """Encoder over word plus shape embeddings, a linear layer a token: logits (B, T, K)."""

    encoder: Any  # a transformers or peft model

    def __init__(self, encoder: nn.Module, width: int, tags: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.own = nn.Embedding(OWN_SHAPES, width)
        self.chunk = nn.Embedding(CHUNK_SHAPES, width)
        for table in (self.own, self.chunk):  # training starts from the encoder as it is
            nn.init.zeros_(table.weight)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, tags)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shapes: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, T, K) from ids and mask (B, T) and shapes (B, T, 2).

        With the loss where labels (B, T) are given.
        """
        words = self.encoder.get_input_embeddings()(input_ids)
        embedded = words + self.own(shapes[..., 0]) + self.chunk(shapes[..., 1])
        hidden = self.encoder(
            inputs_embeds=embedded, attention_mask=attention_mask
        ).last_hidden_state
        logits: Tensor = self.linear(self.dropout(hidden))
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE
        )
        return {"loss": loss, "logits": logits}


class NerTask:
    """See Task."""

    best_metric = "entity_f1"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_entities(path, config.text_column)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        tags = tag_names(entity_types(splits))
        encoder, tokenizer = load_encoder(resolve_encoder(config.encoder))
        freeze(encoder, config)
        width = encoder.config.hidden_size
        if config.method == "lora":
            encoder = add_lora(encoder, config.lora)
        rows = token_rows(splits.train, tokenizer, tags, config.max_tokens)
        if not any(tag > 0 for row in rows for tag in row["labels"]):
            raise LogFormatError(
                f"{splits.train[0].where}: every entity lies after the first {config.max_tokens} "
                "tokens of its text; raise max_tokens or cut the texts"
            )
        return Trainer(  # type: ignore[no-any-return]
            model=NerNet(encoder, width, len(tags)),
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=Rows(rows),
            eval_dataset=Rows(token_rows(splits.validation, tokenizer, tags, config.max_tokens)),
            data_collator=collate,
            callbacks=stopping(config),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        source = resolve_encoder(config.encoder)
        run.weights.mkdir(parents=True, exist_ok=True)
        write_json(run.base, base_of(source))
        write_json(run.labels, tag_names(entity_types(splits)))
        write_json(run.calibration, {"fitted_on": "nothing: confidences are the model's own"})
        _, tokenizer = load_encoder(source)
        save_tokenizer(tokenizer, run.tokenizer)
        net = trained(trainer)
        net.encoder = save_encoder(net.encoder, run.weights)
        head = {name: value.detach().numpy() for name, value in net.named_parameters()
                if not name.startswith("encoder.")}  # fmt: skip
        save_file(head, run.head)
        sample = [
            Example("where is FK-204881"),
            Example("a longer text than that one, with 12 words"),
        ]
        batch = collate(token_rows(sample, tokenizer, ["O"], max_tokens=64))
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "shapes")}
        export_onnx(net, inputs, run.model)

    def before(self, config: TrainConfig, splits: Splits) -> tuple[Scorer, Scorer]:
        """See Task: a linear head over the frozen encoder's tokens, and no entity at all."""
        tags = tag_names(entity_types(splits))
        encoder, tokenizer = load_encoder(resolve_encoder(config.encoder))
        vectors, target = _token_vectors(encoder, tokenizer, splits.train, tags, config)
        keep = np.random.default_rng(config.seed).permutation(len(target))[:BASELINE_TOKENS]
        head = SGDClassifier(
            loss="log_loss", alpha=1e-6, max_iter=12, tol=None, random_state=config.seed
        )
        head.fit(vectors[keep], target[keep])
        transitions = allowed(tags)

        def frozen(examples: list[Example]) -> Scored:
            found = []
            for example in examples:
                rows = token_rows([example], tokenizer, tags, config.max_tokens)
                hidden = _hidden(encoder, collate(rows))[0]
                real = [
                    place for place, (start, end) in enumerate(rows[0]["offsets"]) if end > start
                ]
                margins = head.decision_function(hidden[real])
                if margins.ndim == 1:  # scikit-learn gives one column for two classes
                    margins = np.stack([-margins, margins], axis=1)
                scores = np.full((len(real), len(tags)), -20.0)
                scores[:, head.classes_] = log_softmax(margins, axis=1)
                path = best_path(scores, transitions)
                offsets = [rows[0]["offsets"][place] for place in real]
                names = [tags[tag] for tag in path]
                found.append(spans_of(example.text, offsets, names, [1.0] * len(path)))
            return score_entities(examples, found)

        def nothing(examples: list[Example]) -> Scored:
            return score_entities(examples, [[] for _ in examples])

        return frozen, nothing

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = NerModel(run, config.threads)
        known = {tag[2:] for tag in model.tags if tag != "O"}

        def score(examples: list[Example]) -> Scored:
            _check_types(examples, known)
            return score_entities(examples, model.predict([example.text for example in examples]))

        return score


def entity_types(splits: Splits) -> list[str]:
    """The types of the training rows, sorted; validation and test rows may have no others.

    Raises:
        LogFormatError: If there is none, or another row has a type that training has not.
    """
    types = sorted({entity.type for example in splits.train for entity in example.entities})
    if not types:
        raise LogFormatError(f"{splits.train[0].where}: no entity is marked in the training rows")
    _check_types((*splits.validation, *splits.test), set(types))
    return types


def _check_types(examples: Sequence[Example], known: set[str]) -> None:
    for example in examples:
        for entity in example.entities:
            if entity.type not in known:
                raise LogFormatError(
                    f"{example.where}: entity type {entity.type!r} was never seen in training; "
                    f"known: {', '.join(sorted(known))}"
                )


def token_rows(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    tags: Sequence[str],
    max_tokens: int,
) -> list[dict[str, Any]]:
    """Token ids, shapes, tag ids and offsets of each text, T at most `max_tokens`."""
    ids = {tag: place for place, tag in enumerate(tags)}
    rows = []
    for example in examples:
        encoding = tokenizer(example.text, truncation=True, max_length=max_tokens)[0]
        rows.append(
            {
                "input_ids": encoding.ids,
                "shapes": shape_ids(example.text, encoding),
                "labels": tags_for(example.entities, encoding.offsets, ids),
                "offsets": encoding.offsets,
            }
        )
    return rows


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad to the longest row."""
    length = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORE)
    shapes = torch.zeros(len(rows), length, 2, dtype=torch.long)
    for place, row in enumerate(rows):
        end = len(row["input_ids"])
        ids[place, :end] = torch.tensor(row["input_ids"])
        mask[place, :end] = 1
        shapes[place, :end] = torch.tensor(row["shapes"])
        labels[place, :end] = torch.tensor(row["labels"])
    return {"input_ids": ids, "attention_mask": mask, "shapes": shapes, "labels": labels}


def score_entities(examples: Sequence[Example], found: Sequence[Sequence[Entity]]) -> Scored:
    """Score found entities on labelled rows."""
    gold = [example.entities for example in examples]
    errors: list[dict[str, Any]] = []
    for example, said in zip(examples, found, strict=True):
        right = {_span(entity) for entity in example.entities}
        given = {_span(entity) for entity in said}
        if right != given:
            missed = [entity for entity in example.entities if _span(entity) not in given]
            wrong = [entity for entity in said if _span(entity) not in right]
            errors.append(
                {
                    "text": example.text,
                    "missed": [entity_values(entity) for entity in missed],
                    "wrong": [entity_values(entity) for entity in wrong],
                    "where": example.where,
                }
            )
    table = span_counts(gold, found)
    confused = Counter(
        (missed["type"], wrong["type"])
        for error in errors
        for missed in error["missed"]
        for wrong in error["wrong"]
        if missed["start"] < wrong["end"] and wrong["start"] < missed["end"]
    )
    texts = [example.text for example in examples]
    detail = {
        "per_class": {kind: row for kind, row in table.items() if kind != "all"},
        "confusion": [[right, given, count] for (right, given), count in confused.most_common(40)],
    }
    return Scored(entity_metrics(texts, gold, found), errors, detail)


def _span(entity: Entity) -> tuple[str, int, int]:
    return entity.type, entity.start, entity.end


def _token_vectors(
    encoder: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    examples: list[Example],
    tags: Sequence[str],
    config: TrainConfig,
) -> tuple[Any, Any]:
    rows = sorted(
        token_rows(examples, tokenizer, tags, config.max_tokens),
        key=lambda row: len(row["input_ids"]),
    )
    vectors, target = [], []
    for start in range(0, len(rows), 64):
        batch = collate(rows[start : start + 64])
        real = batch["labels"] != IGNORE
        vectors.append(_hidden(encoder, batch)[real.numpy()])
        target.append(batch["labels"][real].numpy())
    return np.concatenate(vectors), np.concatenate(target)


def _hidden(encoder: nn.Module, batch: dict[str, Tensor]) -> Any:  # noqa: ANN401 - (B, T, D) floats
    encoder.eval()
    with torch.inference_mode():
        output = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    return output.last_hidden_state.numpy()
