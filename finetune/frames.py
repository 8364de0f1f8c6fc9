"""A tokenizer as it is, without cutting or padding, and the special tokens it puts around texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from data.errors import RunDirError
from data.onnx_text import opened_tokenizer


@dataclass(frozen=True, slots=True)
class Frame:
    """Ids of the special tokens before, between and after; `between` is empty for one text."""

    before: list[int]
    between: list[int]
    after: list[int]

    def __len__(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)


def bare_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, whole texts in and all their tokens out.

    Raises:
        RunDirError: If it is missing or not one.
    """
    if not path.is_file():
        raise RunDirError(f"{path}: missing; train again")
    return _bare(opened_tokenizer(path))


def bare(tokenizer: Any) -> Tokenizer:  # noqa: ANN401 - a transformers tokenizer
    """The same of a transformers tokenizer, which stays as it is."""
    return _bare(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()))


def frame_of(tokenizer: Tokenizer, texts: int) -> Frame:
    """What this tokenizer puts around 1 text, or around and between 2."""
    sample = tokenizer.encode("a", "b") if texts == 2 else tokenizer.encode("a")
    owners = sample.sequence_ids
    places = [place for place, owner in enumerate(owners) if owner is not None]
    first, last = places[0], places[-1]
    inner = [sample.ids[place] for place in range(first, last) if owners[place] is None]
    return Frame(sample.ids[:first], inner, sample.ids[last + 1 :])


def _bare(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
