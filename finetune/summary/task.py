"""Text to text: summaries, translations, by any encoder–decoder or an encoder on both sides.

`summary.kind: extractive` quotes sentences instead, and is in `finetune/summary/extractive_fit.py`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from data.encoders import resolve_encoder
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.encoder import base_of
from finetune.reading import Splits
from finetune.reading.summaries import read_summaries
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.summary.extractive import ExtractiveModel
from finetune.summary.extractive_fit import ExtractiveTrainer, Fitted, save_extractive
from finetune.summary.model import SummaryModel
from finetune.summary.scores import lead, score_written
from finetune.summary.writer_net import collate, load_writer, save_writer, target_ids
from finetune.task import Before, Scored, Scorer, Trains, no_findings
from finetune.trainable import Tuner

LEAD = 3  # sentences that stand for a summary where nothing was tuned


class SummaryTask:
    """See Task."""

    best_metric = "rougeL"
    findings = staticmethod(no_findings)

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        apart = config.summary.kind == "extractive"
        return read_summaries(path, config.text_column, turns_apart=apart)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        if config.summary.kind == "extractive":
            return ExtractiveTrainer(config, splits)
        net, tokenizer = load_writer(resolve_encoder(config.encoder), config)
        start = net.network.config.decoder_start_token_id
        rows = pairs(splits.train, tokenizer, start, config)
        return Tuner(
            config,
            factors=net.factors,
            model=net,
            args=arguments(
                config, run.checkpoints, len(rows), prediction_loss_only=True, **BY_LENGTH
            ),
            train_dataset=Rows(rows),
            eval_dataset=Rows(pairs(splits.validation, tokenizer, start, config)),
            data_collator=partial(collate, tokenizer=tokenizer, start=start),
            callbacks=callbacks(config, net.network),
            processing_class=tokenizer,
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        if isinstance(trainer.model, Fitted):
            return save_extractive(trainer.model, config, run)
        tokenizer = trainer.processing_class  # type: ignore[attr-defined]
        begin_weights(run, base_of(resolve_encoder(config.encoder)), [], tokenizer)
        write_json(run.calibration, {"fitted_on": "nothing: no confidence is given"})
        save_writer(trained(trainer), config.summary, run)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the first three sentences, and the first alone.

        An encoder that was not tuned cannot write; a text's lead is what a summary must beat.
        """

        def first(examples: list[Example], sentences: int) -> Scored:
            return score_written(examples, [lead(each.text, sentences) for each in examples])

        return Before(partial(first, sentences=LEAD), partial(first, sentences=1))

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model: SummaryModel | ExtractiveModel
        if config.summary.kind == "extractive":
            model = ExtractiveModel(run, threads=config.threads)
        else:
            model = SummaryModel(run, config.threads, device_name(config))
        return lambda examples: score_written(
            examples, model.write([example.text for example in examples])
        )


def pairs(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    start: int,
    config: TrainConfig,
) -> list[dict[str, Any]]:
    """Token ids of each text and of what is to be written: a row for each of its targets."""
    texts = [config.summary.prefix + example.text for example in examples]
    sources = tokenizer(texts, truncation=True, max_length=config.max_tokens)["input_ids"]
    return [
        {"input_ids": source, "labels": ids}
        for source, example in zip(sources, examples, strict=True)
        for ids in target_ids(example.targets, tokenizer, start, config.summary.max_target_tokens)
    ]
