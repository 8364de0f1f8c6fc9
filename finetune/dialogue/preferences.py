"""Tuning a causal dialogue run further on what people preferred: KTO and DPO, by trl's trainers.

The reference is the run as it was: of an adapter a frozen copy beside it, of a whole network a
second one. Rows come as token ids, so that the library never decodes or logs a text.

Source: DPO, Rafailov et al. 2023, arXiv:2305.18290; KTO, Ethayarajh et al. 2024, arXiv:2402.01306
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import datasets
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from data.dialogue import hide, hide_in_answer
from data.errors import ConfigError, LogFormatError
from data.schema import Example
from finetune.arguments import arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.dialogue.causal import load_causal
from finetune.dialogue.model import adapter_base, check_template
from finetune.dialogue.start import start_of
from finetune.dialogue.text import fitting_messages
from finetune.methods import ADAPTERS
from finetune.reading import Splits
from finetune.reading.preferences import Preference
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.task import Trains
from finetune.trainable import optimizer_of, prepare

Ids = list[int]


@contextmanager
def _without_renames() -> Iterator[None]:
    """Without warnings of an attribute renamed in transformers 5.23: peft and trl ask for it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        yield


class _Pairs(DPOTrainer):
    """The library's trainer on token ids."""

    def compute_loss(self, *inputs: Any, **more: Any) -> Any:  # noqa: ANN401 - as the parent
        """See transformers.Trainer."""
        with _without_renames():
            return super().compute_loss(*inputs, **more)  # type: ignore[no-untyped-call]

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:  # noqa: ANN401 - as the parent
        return dataset


class _Thumbs(KTOTrainer):
    """The library's trainer on token ids."""

    def compute_loss(self, *inputs: Any, **more: Any) -> Any:  # noqa: ANN401 - as the parent
        """See transformers.Trainer."""
        with _without_renames():
            return super().compute_loss(*inputs, **more)  # type: ignore[no-untyped-call]

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:  # noqa: ANN401 - as the parent
        return dataset


def preference_trainer(config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
    """What tunes the start run on the preferences of the training rows.

    Raises:
        ConfigError: If a batch of kto has a single row.
        LogFormatError: If no pair is left, or all thumbs point one way.
        RunDirError: If the start run is not as it was trained.
    """
    start = start_of(config)
    pairs = config.dialogue.objective == "dpo"
    rows = usable(splits.train)
    _check(rows, splits, config)
    tokenizer = _tokenizer(start)
    datasets.disable_progress_bars()
    torch.manual_seed(config.seed)
    made = pair_rows if pairs else thumb_rows
    data = made(rows, tokenizer, config)
    held = usable(splits.validation)
    settings = arguments(
        config, run.checkpoints, len(data), DPOConfig if pairs else KTOConfig,
        beta=config.dialogue.beta, max_length=None, prediction_loss_only=True,
        gradient_checkpointing=None,
        activation_checkpointing=config.optim.checkpoint_activations,
    )  # fmt: skip
    if not pairs and settings.per_device_train_batch_size < 2:
        raise ConfigError("optim.batch_size: kto compares the rows of a step; 2 at least")
    with _without_renames():
        network = _network(start, config, tuned=True)
        adapted = hasattr(network, "peft_config")
        trainer: Trains = (_Pairs if pairs else _Thumbs)(
            model=network,
            ref_model=None if adapted else _network(start, config, tuned=False),
            args=settings,
            train_dataset=data,
            eval_dataset=made(held, tokenizer, config) if held else None,
            processing_class=tokenizer,
            callbacks=callbacks(config, network),
            optimizers=(optimizer_of(network, config), None),
        )
    return trainer


def save_preferred(trainer: Trains, config: TrainConfig, run: RunDir) -> None:
    """Write the adapter or the network; all that is beside it is the start run's."""
    start = start_of(config)
    tokenizer = trainer.processing_class  # type: ignore[attr-defined]
    begin_weights(run, start.read_json(start.base), [], tokenizer)
    write_json(run.calibration, start.read_json(start.calibration))
    network: Any = trained(trainer)
    if hasattr(network, "peft_config"):  # it has the reference's beside its own
        network.save_pretrained(str(run.adapter), selected_adapters=["default"])
    else:
        network.save_pretrained(str(run.network), max_shard_size="1TB")


def usable(examples: Sequence[Example]) -> list[Preference]:
    """The Preferences whose values the conversation shows."""
    return [
        each
        for each in examples
        if isinstance(each, Preference) and all(text is not None for text in _hidden(each))
    ]


def liked(examples: Sequence[Example]) -> list[Example]:
    """The answers that are worth writing: all but those with a thumb down."""
    return [each for each in examples if not isinstance(each, Preference) or each.liked]


def pair_rows(
    rows: Sequence[Preference],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
) -> datasets.Dataset:
    """Token ids of each conversation, its better answer and its worse one."""
    columns: dict[str, list[Ids]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    for row in rows:
        chosen, rejected = _hidden(row)
        columns["prompt_ids"].append(_prompt(row, tokenizer, config))
        columns["chosen_ids"].append(_written(chosen, tokenizer, config))
        columns["rejected_ids"].append(_written(rejected, tokenizer, config))
    return datasets.Dataset.from_dict(columns)


def thumb_rows(
    rows: Sequence[Preference],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
) -> datasets.Dataset:
    """Token ids of each conversation, its answer and another row's, which tells how far it drifted.

    The order is drawn here: the library reads these rows in sequence.
    """
    order = np.random.default_rng(config.seed).permutation(len(rows))
    drawn = [rows[place] for place in order]
    said = [_written(_hidden(row)[0], tokenizer, config) for row in drawn]
    return datasets.Dataset.from_dict(
        {
            "prompt_ids": [_prompt(row, tokenizer, config) for row in drawn],
            "completion_ids": said,
            "KL_completion_ids": said[-1:] + said[:-1],
            "label": [row.liked for row in drawn],
        }
    )


def _check(rows: Sequence[Preference], splits: Splits, config: TrainConfig) -> None:
    where = splits.train[0].where if splits.train else "training rows"
    if config.dialogue.objective == "dpo" and not rows:
        raise LogFormatError(
            f"{where}: no pairs to learn from in the training rows; dpo needs chosen and rejected "
            "answers whose values the conversation shows"
        )
    if config.dialogue.objective == "kto" and len({row.liked for row in rows}) < 2:
        raise LogFormatError(
            f"{where}: kto needs thumbs up and thumbs down in the training rows, on answers whose "
            "values the conversation shows"
        )


def _tokenizer(start: RunDir) -> Any:  # noqa: ANN401 - a transformers tokenizer
    tokenizer = AutoTokenizer.from_pretrained(str(start.tokenizer))
    check_template(start, tokenizer, start.read_json(start.calibration))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _network(start: RunDir, config: TrainConfig, tuned: bool) -> Any:  # noqa: ANN401 - transformers, peft
    """The start run's network, to be tuned as its method does, or frozen."""
    if config.method in ADAPTERS:
        import peft

        network = load_causal(adapter_base(start), config)
        return peft.PeftModel.from_pretrained(network, str(start.adapter), is_trainable=tuned)
    network = AutoModelForCausalLM.from_pretrained(str(start.network), dtype=torch.float32)
    return prepare(network, config) if tuned else network.requires_grad_(False)


def _hidden(row: Preference) -> list[str | None]:
    """The answer, and the rejected one where there is, with placeholders for their values."""
    assert row.situation is not None
    hidden = hide(row.situation)
    texts = [hide_in_answer(row.answer or "", hidden, row.entities)]
    if row.rejected is not None:
        texts.append(hide_in_answer(row.rejected.text, hidden, row.rejected.entities))
    return texts


def _prompt(row: Preference, tokenizer: Any, config: TrainConfig) -> Ids:  # noqa: ANN401
    assert row.situation is not None
    messages, _ = fitting_messages(row.situation, tokenizer, config.max_tokens)
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    ids: Ids = tokenizer(text, add_special_tokens=False)["input_ids"][-config.max_tokens :]
    return ids


def _written(text: str | None, tokenizer: Any, config: TrainConfig) -> Ids:  # noqa: ANN401
    most = config.dialogue.max_target_tokens
    ids: Ids = tokenizer(text or "", add_special_tokens=False)["input_ids"][: most - 1]
    return [*ids, tokenizer.eos_token_id]
