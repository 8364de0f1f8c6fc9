"""What a method trains: frozen parts, adapters, rates by layer, gradual unfreezing."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Adafactor, Trainer, TrainerCallback

from data.errors import ConfigError
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
    if config.optim.checkpoint_activations:
        encoder.activation_checkpointing_enable({"use_reentrant": False})
    if config.method in ADAPTERS:
        return _adapted(encoder, config)
    if config.method == "head":
        encoder.requires_grad_(False)
    elif config.method in ("frozen_embeddings", "contrastive"):
        # Words that the training rows do not hold stay where they were beside those that they do,
        # and half of the optimizer's work goes away.
        encoder.get_input_embeddings().requires_grad_(False)
    elif config.method == "top_layers":
        layers = layers_of(encoder)
        if config.top_layers > len(layers):
            raise ConfigError(
                f"top_layers: {config.top_layers}, but the encoder has {len(layers)} layers"
            )
        encoder.requires_grad_(False)
        for layer in layers[len(layers) - config.top_layers :]:
            layer.requires_grad_(True)
    return encoder  # type: ignore[no-any-return]


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


def optimizer_of(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The config's optimizer over everything that training may change."""
    optim, groups = config.optim, parameter_groups(model, config)
    if optim.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=optim.lr, momentum=_MOMENTUM)
    if optim.optimizer == "adafactor":
        slow: torch.optim.Optimizer = Adafactor(
            groups, lr=optim.lr, scale_parameter=False, relative_step=False
        )
        return slow
    return torch.optim.AdamW(groups, lr=optim.lr, fused=True)


def parameter_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
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
    """A Trainer with this config's optimizer."""

    def __init__(self, config: TrainConfig, **settings: Any) -> None:  # noqa: ANN401 - the library's
        self.tuning = config
        self.optimizer: Any = None
        super().__init__(**settings)

    def create_optimizer(self, model: nn.Module | None = None) -> Any:  # noqa: ANN401 - as the parent
        """See transformers.Trainer."""
        if self.optimizer is None:
            self.optimizer = optimizer_of(model or self.model, self.tuning)
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        """A checkpoint of what is trained alone: the rest is read from the encoder again."""
        trained = {name for name, each in self.model.named_parameters() if each.requires_grad}
        values = state_dict if state_dict is not None else self.model.state_dict()
        super()._save(output_dir, {name: values[name] for name in values if name in trained})


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
        settings = peft.IA3Config()
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


def _kind(encoder: Any) -> str:  # noqa: ANN401 - a transformers model
    """What peft calls this kind of model."""
    return "SEQ_2_SEQ_LM" if encoder.config.is_encoder_decoder else "FEATURE_EXTRACTION"
