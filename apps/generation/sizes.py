"""How long a text is, and its beginning or end of a wanted size."""

from pathlib import Path
from typing import Protocol

from data.errors import ConfigError


class Sizes(Protocol):
    """Measures texts in a unit of its own."""

    def of(self, text: str) -> int:
        """The size of a text."""

    def head(self, text: str, most: int) -> str:
        """The longest beginning of at most that size."""

    def tail(self, text: str, most: int) -> str:
        """The longest end of at most that size."""


class Characters:
    """Sizes in characters."""

    def of(self, text: str) -> int:
        """See Sizes."""
        return len(text)

    def head(self, text: str, most: int) -> str:
        """See Sizes."""
        return text[:most]

    def tail(self, text: str, most: int) -> str:
        """See Sizes."""
        return text[max(0, len(text) - most) :]


class Tokens:
    """Sizes in tokens of a tokenizer file; nothing is downloaded.

    Raises:
        ConfigError: If the file is no tokenizer.
    """

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises nothing narrower
            raise ConfigError(f"{path}: no tokenizer; name a tokenizer.json") from error

    def of(self, text: str) -> int:
        """See Sizes."""
        return len(self._offsets(text))

    def head(self, text: str, most: int) -> str:
        """See Sizes."""
        offsets = self._offsets(text)
        if len(offsets) <= most:
            return text
        return text[: offsets[most - 1][1]] if most > 0 else ""

    def tail(self, text: str, most: int) -> str:
        """See Sizes."""
        offsets = self._offsets(text)
        if len(offsets) <= most:
            return text
        return text[offsets[-most][0] :] if most > 0 else ""

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        offsets: list[tuple[int, int]] = self._tokenizer.encode(
            text, add_special_tokens=False
        ).offsets
        return offsets
