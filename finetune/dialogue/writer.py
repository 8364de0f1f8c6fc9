"""Training an encoder–decoder, or an encoder on both sides, to write the next agent turn."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from data.dialogue import hidden_example
from data.encoders import resolve_encoder
from data.errors import ConfigError
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.dialogue.rows import taught
from finetune.dialogue.surface import lower_forms
from finetune.dialogue.talker import Talker
from finetune.dialogue.text import fitting_text
from finetune.encoder import base_of
from finetune.reading import Splits
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.summary.writer_net import collate, load_writer, save_writer, target_ids
from finetune.task import Trains
from finetune.trainable import Tuner


def writer_trainer(config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
    """What trains it on the trusted answers of the training conversations.

    Raises:
        ConfigError: If the method is one of causal models.
    """
    if config.method == "qlora":
        raise ConfigError("method qlora: offered for causal models; use lora for this one")
    net, tokenizer = load_writer(resolve_encoder(config.encoder), config)
    tokenizer.truncation_side = "left"  # of a long conversation its end matters
    start = net.network.config.decoder_start_token_id
    rows = token_rows(taught(splits.train, config), tokenizer, start, config)
    return Tuner(
        config,
        factors=net.factors,
        model=net,
        args=arguments(config, run.checkpoints, len(rows), prediction_loss_only=True, **BY_LENGTH),
        train_dataset=Rows(rows),
        eval_dataset=Rows(token_rows(splits.validation, tokenizer, start, config)),
        data_collator=partial(collate, tokenizer=tokenizer, start=start),
        callbacks=callbacks(config, net.network),
        processing_class=tokenizer,
    )


def token_rows(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    start: int,
    config: TrainConfig,
) -> list[dict[str, Any]]:
    """Token ids of each situation and answer, both without values.

    Rows whose answers hold a value that nothing shows are left out: they would teach to invent.
    """
    pairs = [hidden_example(example) for example in examples]
    kept = [
        (fitting_text(hidden, tokenizer, config.max_tokens), answer)
        for hidden, answer in pairs
        if answer is not None
    ]
    if not kept:
        return []
    sources = tokenizer([text for text, _ in kept], truncation=True, max_length=config.max_tokens)
    targets = target_ids(
        [answer for _, answer in kept], tokenizer, start, config.dialogue.max_target_tokens
    )
    return [
        {"input_ids": source, "labels": target}
        for source, target in zip(sources["input_ids"], targets, strict=True)
    ]


def untuned_writer(config: TrainConfig) -> Talker:
    """The network as it is before tuning."""
    torch.manual_seed(config.seed)
    net, tokenizer = load_writer(resolve_encoder(config.encoder), config)
    network = net.network.to(device_name(config))
    most = config.dialogue.max_target_tokens
    reads = config.dialogue.reads_step
    return Talker(network, tokenizer, "writer", config.max_tokens, most, reads_step=reads)


def save_dialogue_writer(trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
    """Write the network, its tokenizer, and how the company writes its words."""
    tokenizer = trainer.processing_class  # type: ignore[attr-defined]
    forms = lower_forms(tokenizer, taught(splits.train, config))
    begin_weights(run, base_of(resolve_encoder(config.encoder)), [], tokenizer)
    write_json(
        run.calibration,
        {"fitted_on": "nothing: no confidence is given", "kind": "writer", "forms": forms},
    )
    save_writer(trained(trainer), config.dialogue, run)
