"""What a method trains: frozen parts, adapters, rates by layer, gradual unfreezing."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Adafactor, Trainer, TrainerCallback

from data.errors import ConfigError
from finetune.batches import ByLength
from finetune.config import TrainConfig
from finetune.methods import ADAPTERS

_MOMENTUM = 0.9  # of plain gradient descent
_UNFROZEN_AT = 0.5  # share of the steps after which gradual unfreezing has reached every layer


def prepare(encoder: Any, config: TrainConfig) -> nn.Module:  # noqa: ANN401 - a transformers model
    """The encoder with what the method trains left trainable, or with adapters on it.

    Raises:
        ConfigError: If the encoder has fewer layers than the config asks for, or keeps them where
            this does not look.
    """
    checkpoint_activations(encoder, config)
    if config.method in ADAPTERS:
        return _adapted(encoder, config)
    if config.method == "head":
        encoder.requires_grad_(False)
    elif config.method in ("frozen_embeddings", "contrastive"):
        # Words that the training rows do not hold stay where they were beside those that they do,
        # and half of the optimizer's work goes away.
        encoder.get_input_embeddings().requires_grad_(False)
    elif config.method == "top_layers":
        check_layers(encoder, config)
        encoder.requires_grad_(False)
        for layer in layers_of(encoder)[-config.top_layers :]:
            layer.requires_grad_(True)
    return encoder  # type: ignore[no-any-return]


def checkpoint_activations(encoder: Any, config: TrainConfig) -> None:  # noqa: ANN401 - a transformers model
    """Compute activations twice instead of keeping them, where the config asks for it."""
    if config.optim.checkpoint_activations:
        encoder.activation_checkpointing_enable({"use_reentrant": False})


def check_layers(encoder: Any, config: TrainConfig) -> None:  # noqa: ANN401 - a transformers model
    """Raise ConfigError where more upper layers are to be tuned than there are."""
    if config.method == "top_layers" and config.top_layers > len(layers_of(encoder)):
        raise ConfigError(
            f"top_layers: {config.top_layers}, but the encoder has {len(layers_of(encoder))} layers"
        )


def layers_of(encoder: Any) -> list[nn.Module]:  # noqa: ANN401 - a transformers or peft model
    """The encoder's layers, the lowest first.

    Raises:
        ConfigError: If they are not found.
    """
    count = getattr(encoder.config, "num_hidden_layers", 0)
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    raise ConfigError(
        f"method: the layers of a {type(encoder).__name__} are not known here; use full"
    )


def hidden_states(
    encoder: nn.Module, mask: Tensor, ids: Tensor | None = None, embeds: Tensor | None = None
) -> Tensor:
    """Token vectors (B, T, D) for ids (B, T) or word embeddings (B, T, D); mask is (B, T).

    Prompt tuning puts tokens of its own before the text; they are cut off again.
    """
    output = encoder(input_ids=ids, inputs_embeds=embeds, attention_mask=mask)
    states: Tensor = output.last_hidden_state[:, -mask.shape[1] :]
    return states


def optimizer_of(
    model: nn.Module, config: TrainConfig, factors: Mapping[int, float] | None = None
) -> torch.optim.Optimizer:
    """The config's optimizer over everything that training may change.

    `factors` are further ones on the rates of parameters, by id.
    """
    optim, groups = config.optim, parameter_groups(model, config, factors)
    if optim.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=optim.lr, momentum=_MOMENTUM)
    if optim.optimizer == "adafactor":
        slow: torch.optim.Optimizer = Adafactor(
            groups, lr=optim.lr, scale_parameter=False, relative_step=False
        )
        return slow
    return torch.optim.AdamW(groups, lr=optim.lr, fused=True)


def parameter_groups(
    model: nn.Module, config: TrainConfig, factors: Mapping[int, float] | None = None
) -> list[dict[str, Any]]:
    """Trainable parameters by rate and by whether they decay: not biases, norms and single numbers.

    The rate falls by `layer_decay` with each layer below the uppermost; embeddings are lowest.

    Source: discriminative fine-tuning, Howard & Ruder 2018, https://aclanthology.org/P18-1031
    """
    optim = config.optim
    depths, top = _depths(model) if optim.layer_decay < 1 else ({}, 0)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = optim.lr * optim.layer_decay ** max(0, top - depths.get(id(parameter), top))
            rate *= (factors or {}).get(id(parameter), 1.0)
            decays = parameter.ndim > 1 and not name.endswith("bias")
            groups.setdefault((rate, decays), []).append(parameter)
    return [
        {"params": params, "lr": rate, "weight_decay": optim.weight_decay if decays else 0.0}
        for (rate, decays), params in groups.items()
    ]


def _depths(model: nn.Module) -> tuple[dict[int, int], int]:
    """The depth of each parameter by id, embeddings 0, and that of the uppermost layer."""
    encoder = _encoder_in(model)
    layers = layers_of(encoder)
    depths = {
        id(parameter): depth
        for depth, layer in enumerate(layers, start=1)
        for parameter in layer.parameters()
    }
    for name, module in encoder.named_modules():
        if name.rsplit(".", 1)[-1] == "embeddings":
            depths |= {id(parameter): 0 for parameter in module.parameters()}
    return depths, len(layers)


def _encoder_in(model: nn.Module) -> Any:  # noqa: ANN401 - a transformers or peft model
    """The first module inside that knows how many layers it has."""
    for module in model.modules():
        if hasattr(getattr(module, "config", None), "num_hidden_layers"):
            return module
    raise ConfigError("layer_decay: the encoder's layers are not known here; use 1.0")


class Tuner(Trainer):  # type: ignore[misc]
    """A Trainer with this config's optimizer, batches and checkpoints.

    `factors` are those of `optimizer_of`.
    """

    def __init__(
        self,
        config: TrainConfig,
        factors: Mapping[int, float] | None = None,
        **settings: Any,  # noqa: ANN401 - the library's
    ) -> None:
        self.tuning, self._factors = config, factors
        self.optimizer: Any = None
        super().__init__(**settings)
        named = list(self.model.named_parameters())
        self._trained = {name for name, each in named if each.requires_grad}
        if config.optim.dropout is not None:  # the encoder was loaded with it
            for module in self.model.children():
                if isinstance(module, nn.Dropout):
                    module.p = config.optim.dropout

    def create_optimizer(self, model: nn.Module | None = None) -> Any:  # noqa: ANN401 - as the parent
        """See transformers.Trainer."""
        if self.optimizer is None:
            self.optimizer = optimizer_of(model or self.model, self.tuning, self._factors)
        return self.optimizer

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:  # noqa: ANN401 - as the parent
        """The parent groups by the rows of one process, so that two would see other batches."""
        data = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
        lengths = [len(row["input_ids"]) for row in data]
        return ByLength(lengths, batch * self.args.world_size, self.args.seed)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        """A checkpoint of what is ever trained: the rest is read from the encoder again."""
        values = state_dict if state_dict is not None else self.model.state_dict()
        super()._save(output_dir, {name: values[name] for name in values if name in self._trained})

    def _issue_warnings_after_load(self, load_result: Any) -> None:  # noqa: ANN401 - torch's record
        """What is not trained is not in a checkpoint; anything else that lacks is a mistake."""
        lost = self._trained & set(load_result.missing_keys)
        if lost or load_result.unexpected_keys:
            raise RuntimeError(f"checkpoint lacks {sorted(lost)}")


class Unfreeze(TrainerCallback):  # type: ignore[misc]
    """The upper layer with the head first, then one more at a time, in the first half of the steps.

    Which layers are open follows from the step alone, so that a resumed training goes on alike.

    Source: gradual unfreezing, Howard & Ruder 2018, https://aclanthology.org/P18-1031
    """

    def __init__(self, encoder: nn.Module) -> None:
        layers = layers_of(encoder)
        inside = {id(parameter) for layer in layers for parameter in layer.parameters()}
        rest = [each for each in encoder.parameters() if id(each) not in inside]
        self._parts = [*(list(layer.parameters()) for layer in reversed(layers)), rest]
        self._open = -1

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """See TrainerCallback."""
        share = state.global_step / max(1, state.max_steps * _UNFROZEN_AT)
        wanted = min(len(self._parts), 1 + int(share * len(self._parts)))
        if wanted != self._open:
            for place, part in enumerate(self._parts):
                for parameter in part:
                    parameter.requires_grad_(place < wanted)
            self._open = wanted


def _adapted(encoder: Any, config: TrainConfig) -> nn.Module:  # noqa: ANN401 - a transformers model
    """The encoder frozen, with the method's adapters of peft on it."""
    import peft  # a second to import, and only these methods need it

    settings: Any
    adapter = config.adapter
    if config.method == "ia3":
        settings = _ia3(encoder)
    elif config.method == "prefix":
        settings = peft.PrefixTuningConfig(
            task_type=_kind(encoder), num_virtual_tokens=adapter.virtual_tokens
        )
    elif config.method == "prompt":
        settings = peft.PromptTuningConfig(
            task_type=_kind(encoder), num_virtual_tokens=adapter.virtual_tokens
        )
    else:
        settings = peft.LoraConfig(
            r=adapter.rank,
            lora_alpha=adapter.alpha,
            lora_dropout=adapter.dropout,
            use_dora=config.method == "dora",
            target_modules="all-linear",
            exclude_modules=[name for name, _ in encoder.named_modules() if "pooler" in name],
        )
    with warnings.catch_warnings():
        # peft 0.21 asks for an attribute that transformers 5.23 has renamed; no caller can help it.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        if config.method == "qlora":
            encoder = peft.prepare_model_for_kbit_training(encoder, False)
        adapted: nn.Module = peft.get_peft_model(encoder, settings)
    return adapted


def _ia3(encoder: Any) -> Any:  # noqa: ANN401 - a transformers model, and peft's settings
    """Which linear layers are scaled: peft's choice for this kind of model.

    An encoder on both sides of an encoder–decoder has its own kind's.
    """
    import peft
    from peft.utils import constants

    kind = encoder.config.model_type
    if kind == "encoder-decoder":
        kind = encoder.config.decoder.model_type
    targets = constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.get(kind)
    inner = constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING.get(kind)
    if targets is None:
        raise ConfigError(f"method ia3: not known for a {kind}; use lora")
    return peft.IA3Config(target_modules=targets, feedforward_modules=inner)


def _kind(encoder: Any) -> str:  # noqa: ANN401 - a transformers model
    """What peft calls this kind of model."""
    return "SEQ_2_SEQ_LM" if encoder.config.is_encoder_decoder else "FEATURE_EXTRACTION"
