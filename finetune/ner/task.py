"""Entity recognition: token classification over the encoder, word-shape embeddings beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.special import log_softmax
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from torch import Tensor, nn

from data.conversations import entity_values
from data.encoders import resolve_encoder
from data.errors import ConfigError, LogFormatError
from data.schema import Entity, Example
from finetune.config import TrainConfig
from finetune.encoder import (
    base_of,
    export_onnx,
    load_encoder,
    save_encoder,
    save_tokenizer,
)
from finetune.loop import BY_LENGTH, Rows, arguments, balanced, callbacks, trained
from finetune.metrics import entity_metrics, span_counts
from finetune.ner.model import NerModel
from finetune.ner.shapes import CHUNK_SHAPES, OWN_SHAPES, shape_ids
from finetune.reading import Splits, read_entities
from finetune.run_dir import RunDir, write_json
from finetune.tags import IGNORE, allowed, best_path, spans_of, tag_names, tags_for
from finetune.task import Before, Scored, Scorer, Trains
from finetune.tuning import Tuner, hidden_states, prepare

BASELINE_TOKENS = 60_000  # a linear head learns no more from more of them


class NerNet(nn.Module):
    """Encoder over word plus shape embeddings, a linear layer a token: logits (B, T, K).

    In training a share `hidden` of the tokens is read as the token `mask_id`: names that nobody has
    written yet must be known by their shape and by what stands around them.
    """

    encoder: Any  # a transformers or peft model

    def __init__(
        self,
        encoder: nn.Module,
        width: int,
        tags: int,
        smoothing: float = 0.0,
        weights: Tensor | None = None,
        hidden: float = 0.0,
        mask_id: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self._hidden, self._mask_id = hidden, mask_id
        self.own = nn.Embedding(OWN_SHAPES, width)
        self.chunk = nn.Embedding(CHUNK_SHAPES, width)
        for table in (self.own, self.chunk):  # training starts from the encoder as it is
            nn.init.zeros_(table.weight)
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, tags)
        self._smoothing = smoothing
        self.weights: Tensor | None
        self.register_buffer("weights", weights, persistent=False)  # (K,) of the tags, or None

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
        if self.training and self._hidden:
            drawn = torch.rand(input_ids.shape, device=input_ids.device) < self._hidden
            input_ids = input_ids.masked_fill(drawn, self._mask_id)
        words = self.encoder.get_input_embeddings()(input_ids)
        embedded = words + self.own(shapes[..., 0]) + self.chunk(shapes[..., 1])
        hidden = hidden_states(self.encoder, attention_mask, embeds=embedded)
        logits: Tensor = self.linear(self.dropout(hidden))
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1),
            labels.flatten(),
            weight=self.weights,
            ignore_index=IGNORE,
            label_smoothing=self._smoothing,
        )
        return {"loss": loss, "logits": logits}


class NerTask:
    """See Task."""

    best_metric = "entity_f1"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_entities(path, config.text_column, config.ner.join_words)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        tags = tag_names(entity_types(splits))
        encoder, tokenizer = load_encoder(
            resolve_encoder(config.encoder), config.optim.dropout, config.method == "qlora"
        )
        width = encoder.config.hidden_size
        encoder = prepare(encoder, config)
        rows = token_rows(splits.train, tokenizer, tags, config.max_tokens)
        if not any(tag > 0 for row in rows for tag in row["labels"]):
            raise LogFormatError(
                f"{splits.train[0].where}: every entity lies after the first {config.max_tokens} "
                "tokens of its text; raise max_tokens or cut the texts"
            )
        weights = None
        if config.optim.class_weights == "balanced":
            counts = Counter(tag for row in rows for tag in row["labels"])
            weights = balanced([counts[place] for place in range(len(tags))])
        if config.ner.hidden and tokenizer.mask_token_id is None:
            raise ConfigError("ner.hidden: the encoder's tokenizer has no mask token; set it to 0")
        net = NerNet(
            encoder, width, len(tags), config.optim.label_smoothing, weights,
            config.ner.hidden, tokenizer.mask_token_id or 0,
        )  # fmt: skip
        return Tuner(
            config,
            model=net,
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=Rows(rows),
            eval_dataset=Rows(token_rows(splits.validation, tokenizer, tags, config.max_tokens)),
            data_collator=collate,
            compute_metrics=_while_training,
            callbacks=callbacks(config, encoder),
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
        net.encoder = save_encoder(net.encoder, run.weights, source)
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

    def before(self, config: TrainConfig, splits: Splits) -> Before:
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

        return Before(frozen, nothing)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = NerModel(run, config.threads)
        known = {tag[2:] for tag in model.tags if tag != "O"}

        def score(examples: list[Example]) -> Scored:
            _check_types(examples, known)
            return score_entities(examples, model.predict([example.text for example in examples]))

        return score

    def findings(
        self,
        run: Path,
        config: TrainConfig,
        splits: Splits,
        examples: list[Example],
        scored: Scored,
        vectors: NDArray[np.float32] | None,
    ) -> Mapping[str, Any]:
        """See Task: nothing beyond the scores."""
        return {}


def _while_training(predicted: Any) -> dict[str, float]:  # noqa: ANN401 - an EvalPrediction
    """What early stopping may watch: tags of tokens, each the likeliest by itself."""
    gold = predicted.label_ids
    said = predicted.predictions.argmax(axis=-1)[gold != IGNORE]
    macro = f1_score(gold[gold != IGNORE], said, average="macro", zero_division=0)
    return {"token_macro_f1": float(macro)}


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
    counts = np.array(
        [
            (len({*map(_span, a)} & {*map(_span, b)}), len({*map(_span, b)}), len({*map(_span, a)}))
            for a, b in zip(gold, found, strict=True)
        ]
    )

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        """Of the strict spans alone: words of one text are not independent draws."""
        hits, said, right = (int(total) for total in counts[places].sum(axis=0))
        return {
            "entity_precision": hits / said if said else 0.0,
            "entity_recall": hits / right if right else 0.0,
            "entity_f1": 2 * hits / (said + right) if said + right else 0.0,
        }

    return Scored(entity_metrics(texts, gold, found), errors, detail, resample)


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
