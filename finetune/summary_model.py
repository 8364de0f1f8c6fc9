"""Serving a summary run: a text for each text."""

from collections.abc import Sequence
from pathlib import Path

from finetune.run_dir import RunDir
from finetune.writer import Writer


class SummaryModel:
    """A tuned encoder–decoder: summaries, translations, whatever it was trained to write.

    Raises:
        RunDirError: If the run is not a complete summary run, or its weights changed.
    """

    def __init__(self, run: Path, threads: int = 2) -> None:
        folder = RunDir(run)
        folder.check("summary")
        config = folder.read_config()["train"]
        self._prefix = str(config["summary"]["prefix"])
        self._writer = Writer(folder, int(config["max_tokens"]), threads)

    def write(self, texts: Sequence[str]) -> list[str]:
        """What is written for each text; nothing for an empty one."""
        filled = [place for place, text in enumerate(texts) if text.strip()]
        written = self._writer.write([self._prefix + texts[place] for place in filled])
        said = [""] * len(texts)
        for place, text in zip(filled, written, strict=True):
            said[place] = text
        return said
