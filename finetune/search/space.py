"""What may vary: a range or some choices for each setting of a config, stated in YAML."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from optuna import Trial
from pydantic import Field, RootModel, ValidationError, model_validator

from data.config import Config, load_config
from data.errors import ConfigError
from finetune.config import CONFIGS, TrainConfig
from finetune.settings_read import Kind, kinds_of, not_read_by, reads

Value = bool | int | float | str | None
# These say what is trained on and where, not how.
_FIXED = (
    "task", "text_column", "label_column", "multi_label", "ner.join_words", "seed", "threads",
    "device",
)  # fmt: skip
# What these are decides which other settings are read.
_SWITCHES = ("method", "start", "intent.reads", "reply.kind", "summary.kind", "dialogue.objective",
             "pretrain.objective")  # fmt: skip
# The shipped space of a kind that reads other settings than the rest of its task.
_OWN_SPACE: dict[Kind, str] = {
    "contrastive": "intent_contrastive",
    "intent head": "intent_head",
    "next action head": "intent_head",
    "several labels head": "intent_head",
    "preferences": "dialogue_preferences",
}


class Dimension(Config):
    """A range, `low` to `high`, or `choices`; of whole numbers where both ends are whole."""

    low: int | float | None = Field(None, description="least value")
    high: int | float | None = Field(None, description="greatest value")
    log: bool = Field(False, description="draw the logarithm evenly: for rates")
    step: int | float | None = Field(None, gt=0, description="values are low + some of these")
    choices: tuple[Value, ...] | None = Field(None, min_length=1, description="one of these")

    @model_validator(mode="after")
    def _one_kind(self) -> "Dimension":
        if self.choices is not None:
            if (self.low, self.high, self.log, self.step) != (None, None, False, None):
                raise ValueError("choices, or low and high: not both")
            return self
        if self.low is None or self.high is None:
            raise ValueError("low and high are needed, or choices")
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0, and no step")
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values that stand for all: the ends of a range, or every choice."""
        return self.choices if self.choices is not None else (self.low, self.high)

    def holds(self, value: Any) -> bool:  # noqa: ANN401 - a value of a config
        """Whether a value may be drawn."""
        if self.choices is not None:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.low is not None
        assert self.high is not None
        on_step = self.step is None or abs((value - self.low) / self.step % 1) < 1e-9
        return self.low <= value <= self.high and on_step

    def draw(self, name: str, trial: Trial) -> Value:
        """This trial's value."""
        if self.choices is not None:
            drawn: Value = trial.suggest_categorical(name, self.choices)
            return drawn
        low, high, step = self.low, self.high, self.step
        if isinstance(low, int) and isinstance(high, int) and not isinstance(step, float):
            return trial.suggest_int(name, low, high, step=step or 1, log=self.log)
        assert low is not None
        assert high is not None
        return trial.suggest_float(name, low, high, step=step, log=self.log)


class Space(RootModel[dict[str, Dimension]]):
    """A Dimension for each setting, by its full name: `optim.lr`."""

    @model_validator(mode="after")
    def _some(self) -> "Space":
        if not self.root:
            raise ValueError("nothing to search; name a setting")
        return self

    def draw(self, trial: Trial) -> dict[str, Value]:
        """This trial's values."""
        return {name: dimension.draw(name, trial) for name, dimension in self.root.items()}

    def given(self, config: TrainConfig) -> dict[str, Value]:
        """The config's own values, of those settings where the space holds them."""
        found = {name: value_of(config, name) for name in self.root}
        return {name: value for name, value in found.items() if self.root[name].holds(value)}


def load_space(config: TrainConfig, path: Path | None = None) -> Space:
    """The space in a file, or what the config reads of the one that ships with the task.

    Raises:
        ConfigError: One line for each mistake, an unknown setting, one that the config does not
            read and a value that it would refuse among them.
    """
    shipped, path = path is None, path or shipped_space(config)
    space = load_config(Space, path)
    if shipped:
        left_out = set(unread_in(space, config))
        kept = {name: each for name, each in space.root.items() if name not in left_out}
        if not kept:
            raise ConfigError(f"{path}: nothing in it is read by this config; give a --space")
        space = Space(kept)
    mistakes = list(_mistakes(space, config))
    if mistakes:
        raise ConfigError(
            "\n  ".join([f"{path} is not a space for task {config.task}:", *mistakes])
        )
    return space


def shipped_space(config: TrainConfig) -> Path:
    """The file of the space that ships with what this config trains."""
    names = {_OWN_SPACE.get(kind, config.task) for kind in kinds_of(config)}
    return CONFIGS / "spaces" / f"{names.pop() if len(names) == 1 else config.task}.yaml"


def unread_in(space: Space, config: TrainConfig, causal: bool | None = None) -> list[str]:
    """The space's settings that no trial would read: trials over them are all alike."""
    variants = list(_variants(space, config))
    return [name for name in space.root if not any(reads(each, name, causal) for each in variants)]


def _variants(space: Space, config: TrainConfig) -> Iterator[TrainConfig]:
    """The config as each choice of what it trains makes it."""
    names = [name for name in _SWITCHES if name in space.root]
    for values in product(*(space.root[name].ends for name in names)):
        try:
            yield with_values(config, dict(zip(names, values, strict=True)))
        except ConfigError:  # two of them do not go together: no trial is trained so
            continue


def _mistakes(space: Space, config: TrainConfig) -> Iterator[str]:
    variants = list(_variants(space, config)) or [config]
    for name, dimension in space.root.items():
        if name in _FIXED:
            yield f"{name}: says what is trained, not how; give it to the config"
            continue
        try:
            value_of(config, name)
        except KeyError:
            yield f"{name}: no such setting"
            continue
        reader = next((each for each in variants if reads(each, name)), None)
        if reader is None:
            yield f"{name}: {not_read_by(variants[0])}"
            continue
        for value in dimension.ends:
            try:
                with_values(config if name in _SWITCHES else reader, {name: value})
            except ConfigError as error:
                yield str(error)


def value_of(config: TrainConfig, name: str) -> Any:  # noqa: ANN401 - of any setting
    """A setting's value by its full name.

    Raises:
        KeyError: If there is no such setting.
    """
    value: Any = config.model_dump(mode="json")
    for key in name.split("."):
        if not isinstance(value, dict):
            raise KeyError(name)
        value = value[key]
    if isinstance(value, dict):
        raise KeyError(name)
    return value


def with_drawn(config: TrainConfig, values: Mapping[str, Value]) -> TrainConfig:
    """The config with a trial's values, as far as the method among them reads the others.

    Raises:
        ConfigError: If it is no valid config then.
    """
    switched = with_values(config, {name: values[name] for name in values if name in _SWITCHES})
    return with_values(
        switched,
        {name: value for name, value in values.items()
         if name not in _SWITCHES and reads(switched, name)},
    )  # fmt: skip


def with_values(config: TrainConfig, values: Mapping[str, Value]) -> TrainConfig:
    """The config with some settings changed.

    Raises:
        ConfigError: If it is no valid config then.
    """
    raw = config.model_dump(mode="json")
    for name, value in values.items():
        *sections, last = name.split(".")
        place = raw
        for section in sections:
            place = place[section]
        place[last] = value
    try:
        return TrainConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "config"
        said = ", ".join(f"{name}={value}" for name, value in values.items())
        raise ConfigError(f"{where}: {first['msg']} (with {said})") from error
