"""Training a causal language model to write the next agent turn: trl's trainer, peft's adapters.

The loss is on the agent's turn alone. A chat template that the model brings is used and kept with
the run; where it brings none, a plain one of ours is.
"""

from collections.abc import Sequence
from typing import Any

import datasets
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from data.dialogue import hide_in_answer
from data.encoders import EncoderSource, resolve_encoder
from data.schema import Example
from finetune.arguments import arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.devices import device_name, uses_cuda
from finetune.dialogue.rows import taught
from finetune.dialogue.surface import lower_forms
from finetune.dialogue.talker import Talker
from finetune.dialogue.text import SYSTEM, fitting_messages
from finetune.encoder import base_of
from finetune.methods import ADAPTERS
from finetune.reading import Splits
from finetune.run_dir import RunDir, sha256_of_text, write_json
from finetune.saving import begin_weights
from finetune.tags import IGNORE
from finetune.task import Trains
from finetune.trainable import optimizer_of, prepare

TEMPLATE = (
    "{% for message in messages %}{{ '### ' + message['role'] + '\\n' + message['content'] }}"
    "{{ eos_token if message['role'] == 'assistant' }}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### assistant\\n' }}{% endif %}"
)


def causal_trainer(config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
    """What trains it on the trusted answers of the training conversations."""
    source = resolve_encoder(config.encoder)
    tokenizer = load_tokenizer(source)
    datasets.disable_progress_bars()
    torch.manual_seed(config.seed)
    network = prepare(load_causal(source, config), config)
    rows = causal_rows(taught(splits.train, config), tokenizer, config)
    return SFTTrainer(
        model=network,
        args=arguments(
            config, run.checkpoints, len(rows), SFTConfig,
            max_length=config.max_tokens + config.dialogue.max_target_tokens,
            packing=config.dialogue.pack, eval_packing=False, prediction_loss_only=True,
            gradient_checkpointing=None,
            activation_checkpointing=config.optim.checkpoint_activations,
        ),
        train_dataset=rows,
        eval_dataset=causal_rows(splits.validation, tokenizer, config),
        processing_class=tokenizer,
        callbacks=callbacks(config, network),
        optimizers=(optimizer_of(network, config), None),
    )  # fmt: skip


def load_tokenizer(source: EncoderSource) -> Any:  # noqa: ANN401 - a transformers tokenizer
    """Its tokenizer, with our chat template where it has none, and with a token to pad with."""
    tokenizer = AutoTokenizer.from_pretrained(str(source.path))
    if not getattr(tokenizer, "chat_template", None):
        tokenizer.chat_template = TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_causal(source: EncoderSource, config: TrainConfig) -> Any:  # noqa: ANN401 - a transformers model
    """The base model: what stays as it is under adapters takes half the memory on CUDA."""
    settings: dict[str, Any] = {"dtype": torch.float32}
    if uses_cuda(config) and config.method in ADAPTERS:
        settings["dtype"] = torch.bfloat16
    if config.method == "qlora":
        from transformers import BitsAndBytesConfig

        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    return AutoModelForCausalLM.from_pretrained(str(source.path), **settings)


def causal_rows(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
) -> datasets.Dataset:
    """Token ids of each conversation with its answer; the labels are the answer's alone."""
    rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    most = config.dialogue.max_target_tokens
    for example in examples:
        assert example.situation is not None
        messages, hidden = fitting_messages(example.situation, tokenizer, config.max_tokens)
        answer = hide_in_answer(example.answer or "", hidden, example.entities)
        if answer is None:  # it holds a value that nothing shows: it would teach to invent
            continue
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        before = tokenizer(text, add_special_tokens=False)["input_ids"][-config.max_tokens :]
        written = tokenizer(answer, add_special_tokens=False)["input_ids"][: most - 1]
        written.append(tokenizer.eos_token_id)
        rows["input_ids"].append(before + written)
        rows["labels"].append([IGNORE] * len(before) + written)
    return datasets.Dataset.from_dict(rows)


def untuned_causal(config: TrainConfig) -> Talker:
    """The model as it is before tuning."""
    source = resolve_encoder(config.encoder)
    network = load_causal(source, config).to(device_name(config))
    return Talker(
        network, load_tokenizer(source), "causal", config.max_tokens,
        config.dialogue.max_target_tokens, reads_step=config.dialogue.reads_step,
    )  # fmt: skip


def save_causal(trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
    """Write the adapter or the whole model, its tokenizer and its chat template."""
    tokenizer = trainer.processing_class  # type: ignore[attr-defined]
    forms = lower_forms(tokenizer, taught(splits.train, config))
    begin_weights(run, base_of(resolve_encoder(config.encoder)), [], tokenizer)
    write_json(
        run.calibration,
        {
            "fitted_on": "nothing: no confidence is given",
            "kind": "causal",
            "system": SYSTEM,
            "forms": forms,
            "chat_template_sha256": sha256_of_text(tokenizer.chat_template),
        },
    )
    network: Any = trained(trainer)
    folder = run.adapter if hasattr(network, "peft_config") else run.network
    network.save_pretrained(str(folder), max_shard_size="1TB")
