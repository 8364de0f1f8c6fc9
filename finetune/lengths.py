"""How many tokens of a text a training reads: no more than its encoder has positions for."""

from pathlib import Path

from data.encoder_way import positions_of
from data.errors import ConfigError
from finetune.config import TrainConfig

_FEWEST = 8  # as of the config's max_tokens
_WRITING = ("summary", "dialogue")  # their networks have two sides, whose lengths they check


def positions_left(config: TrainConfig, encoder: Path) -> int | None:
    """Positions for a text's tokens, beside those that prompt and prefix tuning put before it.

    Args:
        config: With its method settled.
        encoder: The folder of the base encoder.

    Returns:
        How many; None where the encoder does not tell, or is not read by itself.

    Raises:
        ConfigError: If the tokens before the text leave no room for one.
    """
    most = positions_of(encoder)
    if most is None or config.task in _WRITING:
        return None
    own = config.adapter.virtual_tokens if config.method in ("prompt", "prefix") else 0
    if most - own < _FEWEST:
        raise ConfigError(
            f"adapter.virtual_tokens: {own} leave no room for a text on the {most} positions of "
            f"{config.encoder}; lower it"
        )
    return most - own


def within_positions(config: TrainConfig, encoder: Path) -> TrainConfig:
    """The config with max_tokens no higher than `positions_left`; other arguments as there."""
    left = positions_left(config, encoder)
    if left is None or config.max_tokens <= left:
        return config
    return config.model_copy(update={"max_tokens": left})
