"""What a dialogue training begins from, told without the libraries that train it."""

from functools import lru_cache
from pathlib import Path

from data.encoders import resolve_encoder
from data.errors import RunDirError
from finetune.config import TrainConfig
from finetune.run_dir import RunDir

_CAUSAL = ("ForCausalLM", "LMHeadModel")


def is_causal(config: TrainConfig) -> bool:
    """Whether it is a dialogue whose base model was made to go on with a text."""
    return config.task == "dialogue" and _is_causal(str(resolve_encoder(config.encoder).path))


def as_started(config: TrainConfig) -> TrainConfig:
    """The config with base, method and lengths of the run that is tuned further, and its rate.

    Any other config comes back as it is.

    Raises:
        RunDirError: If there is no such run, or it is not a causal dialogue run.
    """
    if config.task != "dialogue" or config.dialogue.objective == "answers":
        return config
    run = start_of(config)
    made = run.trained()
    read = {"max_target_tokens": made.dialogue.max_target_tokens, "step": made.dialogue.step}
    return config.model_copy(
        update={
            "encoder": made.encoder,
            "method": made.method,
            "adapter": made.adapter,
            "max_tokens": made.max_tokens,
            "dialogue": config.dialogue.model_copy(update=read),
            "optim": config.optim.model_copy(update={"lr": config.dialogue.preference_lr}),
        }
    )


def start_of(config: TrainConfig) -> RunDir:
    """The run that is tuned further.

    Raises:
        RunDirError: If there is no such run, or it is not a causal dialogue run.
    """
    assert config.dialogue.start is not None  # the config is refused without it
    run = RunDir(Path(config.dialogue.start))
    run.check("dialogue")
    if run.read_json(run.calibration).get("kind") != "causal":
        raise RunDirError(
            f"{run.root}: not a causal dialogue run; only those are tuned from preferences"
        )
    return run


@lru_cache(maxsize=8)
def _is_causal(path: str) -> bool:
    from transformers import AutoConfig

    made = AutoConfig.from_pretrained(path).architectures or []
    return any(name.endswith(_CAUSAL) for name in made)
