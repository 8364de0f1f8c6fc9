"""From a GenerateConfig to the Generator that it names."""

from collections.abc import Callable
from pathlib import Path

from apps.generation.config import GenerateConfig
from apps.generation.generator import Generator
from apps.generation.remembered import Remembered


def generator_of(config: GenerateConfig, open_run: Callable[[Path], Generator]) -> Generator | None:
    """The run, opened by `open_run`, or the endpoint; None where the app is to select.

    Raises:
        DeskhandError: If the run or the endpoint is not what is needed.
    """
    if config.mode == "select":
        return None
    if config.run is not None:
        return open_run(config.run)
    if config.endpoint is not None:
        from apps.generation.endpoint import open_endpoint

        return open_endpoint(config)
    return None


def remembered_of(config: GenerateConfig) -> Remembered | None:
    """What remembers answers, where the config wants that."""
    if not config.remember_minutes:
        return None
    return Remembered(config.remember_minutes * 60, config.remember_most)
