"""Entity recognition: token classification over the encoder, word-shape embeddings beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.metrics import f1_score

from data.encoders import EncoderSource, resolve_encoder
from data.errors import ConfigError, LogFormatError
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, balanced, callbacks, trained
from finetune.config import TrainConfig
from finetune.encoder import base_of, export_onnx, load_encoder
from finetune.lengths import positions_left
from finetune.ner.findings import entity_findings
from finetune.ner.frozen import frozen_scorer
from finetune.ner.model import POSITIONS, NerModel
from finetune.ner.net import NerNet, collate, token_rows
from finetune.ner.scores import score_entities
from finetune.reading import Splits, read_entities
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights, save_encoder_and_head
from finetune.serving import SHARED_TOKENS
from finetune.tags import IGNORE, tag_names
from finetune.task import Before, Finished, Scored, Scorer, Trains
from finetune.trainable import Tuner, prepare


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
        _, tokenizer = load_encoder(source)
        base = base_of(source) | _few_positions(config, source)
        begin_weights(run, base, tag_names(entity_types(splits)), tokenizer)
        write_json(run.calibration, {"fitted_on": "nothing: confidences are the model's own"})
        net = trained(trainer)
        save_encoder_and_head(net, run, source)
        sample = [
            Example("where is FK-204881"),
            Example("a longer text than that one, with 12 words"),
        ]
        batch = collate(token_rows(sample, tokenizer, ["O"], max_tokens=64))
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "shapes")}
        export_onnx(net, inputs, run.model)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: a linear head over the frozen encoder's tokens, and no entity at all."""
        frozen = frozen_scorer(config, splits.train, tag_names(entity_types(splits)))

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

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task."""
        return entity_findings(finished)


def _few_positions(config: TrainConfig, source: EncoderSource) -> dict[str, int]:
    """What `base.json` says beside the encoder, where a window has to be shorter for it."""
    left = positions_left(config, source.path)
    return {POSITIONS: left} if left is not None and left < SHARED_TOKENS else {}


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
