"""Serving an extractive summary run: the sentences that a summary needs, and the summary.

The shared encoder reads each sentence once, so a conversation of any length is seen whole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from data.encoders import Encoder
from data.errors import EncoderError, RunDirError
from data.schema import Speaker, Turn
from finetune.run_dir import RunDir
from finetune.run_kind import kind_of
from finetune.serving import shared_encoder
from finetune.summary.extractive_parts import (
    FEATURES,
    SIDES,
    Floats,
    describe,
    runs_of,
    sentences_of,
    talk_of,
)
from finetune.summary.extractive_wording import Wording


@dataclass(frozen=True, slots=True)
class Extract:
    """A summary, and the sentences that it rests on as they stand in the conversation."""

    text: str
    quoted: Mapping[Speaker, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RunScorer:
    """Two layers over a run's numbers and its vector: the higher, the better it summarizes.

    Arrays: `mean`, `deviation` (FEATURES,); `narrow` (N, D) and its bias, which make a vector
    short; `hidden` (H, FEATURES - 1 + N) and `out` (1, H) with theirs; `rule` (), what the last
    number, nearness to the rule, counts.
    """

    arrays: Mapping[str, Floats]

    def scores(self, numbers: Floats, vectors: Floats) -> Floats:
        """A score (R,) of each run from `describe`'s numbers (R, FEATURES) and vectors (R, D)."""
        a = self.arrays
        numbers = (numbers - a["mean"]) / a["deviation"]
        short = vectors @ a["narrow.weight"].T + a["narrow.bias"]
        joined = np.hstack([numbers[:, :-1], short])
        hidden = np.maximum(joined @ a["hidden.weight"].T + a["hidden.bias"], 0)
        scores: Floats = (hidden @ a["out.weight"].T + a["out.bias"])[:, 0]
        return scores + a["rule"] * numbers[:, -1]


class ExtractiveModel:
    """A trained scorer of sentences on the shared encoder.

    Args:
        run: Its run directory.
        encoder: Opens the shared encoder by name; None opens one of its own.
        threads: CPU threads of one call.

    Raises:
        RunDirError: If the run is not a complete summary run of this kind.
        EncoderError: If the encoder is not the one that the scorer was trained on.
    """

    def __init__(
        self, run: Path, encoder: Callable[[str], Encoder] | None = None, threads: int = 2
    ) -> None:
        folder = RunDir(run)
        folder.check("summary")
        if kind_of(folder) != "extractive":
            raise RunDirError(
                f"{run}: a run that writes summaries; one that quotes is needed here: train it "
                "with --set summary.kind=extractive"
            )
        base = folder.read_json(folder.base)
        open_encoder = encoder or (lambda name: shared_encoder(name, threads=threads))
        self._encoder = open_encoder(str(base["encoder"]))
        if self._encoder.fingerprint != base["fingerprint"]:
            raise EncoderError(
                f"{run}: its scorer was trained on other weights of {base['encoder']}; "
                "train it again"
            )
        self._most_words = folder.trained().summary.side_words
        self.wording = folder.read_as(
            folder.calibration, lambda values: Wording(**values["wording"])
        )
        self._scorers = _scorers(folder)

    def extract(self, turns: Sequence[Turn]) -> Extract:
        """What the conversation comes to; an empty text where nobody says a word."""
        sentences = sentences_of(turns)
        if not sentences:
            return Extract("", dict.fromkeys(SIDES, ()))
        vectors = self._encoder.encode([each.text for each in sentences])
        quoted: dict[Speaker, tuple[str, ...]] = {}
        for side, scorer in self._scorers.items():
            runs = runs_of(sentences, side, self._most_words)
            if not runs:
                quoted[side] = ()
                continue
            best = int(scorer.scores(*describe(sentences, vectors, side, runs)).argmax())
            quoted[side] = tuple(sentences[place].text for place in runs[best])
        return Extract(self.wording.text(quoted), quoted)

    def write(self, texts: Sequence[str]) -> list[str]:
        """The summary of each text, whose lines begin with `customer: ` or `agent: `."""
        return [self.extract(talk_of(text)).text if text.strip() else "" for text in texts]


def _scorers(run: RunDir) -> dict[Speaker, RunScorer]:
    """The scorer of each side.

    Raises:
        RunDirError: If the arrays are not what training writes.
    """
    arrays = load_file(run.head)
    found: dict[Speaker, RunScorer] = {}
    for side in SIDES:
        own = {
            name.removeprefix(f"{side}."): value
            for name, value in arrays.items()
            if name.startswith(f"{side}.")
        }
        if "mean" not in own or own["mean"].shape != (FEATURES,):
            raise RunDirError(f"{run.head}: not a scorer of this version; train the run again")
        found[side] = RunScorer(own)
    return found
