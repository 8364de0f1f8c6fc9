"""Serving a summary run: a text for each text."""

from collections.abc import Sequence
from pathlib import Path

from data.errors import RunDirError
from finetune.frames import bare_tokenizer
from finetune.run_dir import RunDir
from finetune.run_kind import kind_of
from finetune.summary.writer import Writer


class SummaryModel:
    """A tuned encoder–decoder: summaries, translations, whatever it was trained to write.

    `most_tokens` is what it reads of a text; the rest is cut. It writes on `device`, `cuda` or
    `cpu`, and on CUDA where it is if that is None.

    Raises:
        RunDirError: If the run is not a complete summary run that writes, or its weights changed.
    """

    def __init__(self, run: Path, threads: int = 2, device: str | None = None) -> None:
        folder = RunDir(run)
        folder.check("summary")
        if kind_of(folder) != "writer":
            raise RunDirError(
                f"{run}: a run that quotes sentences; one that writes is needed here: train it "
                "with --set summary.kind=writer"
            )
        config = folder.trained()
        self._prefix = config.summary.prefix
        self.most_tokens = config.max_tokens
        self._writer = Writer(folder, self.most_tokens, threads, device)
        self._counter = bare_tokenizer(folder.tokenizer / "tokenizer.json")

    def tokens(self, text: str) -> int:
        """How many tokens it reads of a text, with the prefix."""
        return len(self._counter.encode(self._prefix + text).ids)

    def write(self, texts: Sequence[str]) -> list[str]:
        """What is written for each text; nothing for an empty one."""
        filled = [place for place, text in enumerate(texts) if text.strip()]
        written = self._writer.write([self._prefix + texts[place] for place in filled])
        said = [""] * len(texts)
        for place, text in zip(filled, written, strict=True):
            said[place] = text
        return said
