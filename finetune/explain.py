"""Which words drove a prediction: integrated gradients through the network, exact for the words.

Source: integrated gradients, Sundararajan et al. 2017, arXiv:1703.01365, by captum; what is added
up along the way from an empty text (padding in place of each token) to this one.
"""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from data.encoder_way import Pooling, positions_of
from data.encoders import resolve_encoder
from data.errors import EncoderError
from finetune.encoder import load_encoder, pool
from finetune.explain_words import character_weights
from finetune.frames import bare
from finetune.intent.words import Words
from finetune.ner.model import window_tokens, windows_of
from finetune.ner.shapes import shape_ids
from finetune.run_dir import RunDir
from finetune.run_kind import kind_of
from finetune.serving import SHARED_TOKENS
from finetune.trainable import hidden_states

# Runs of letters and digits; Chinese and Japanese characters one by one; signs one by one.
_UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")
_STEPS = (32, 128, 512)  # of the integral; more where fewer do not add up
_CLOSE = 0.02  # of the whole change that may be missing
_SUREST = 20  # wrong rows that a report explains
_TOGETHER = 64  # steps in one pass

Forward = Callable[[Tensor], Tensor]  # word embeddings (B, T, D) to scores (B,)


@dataclass(frozen=True, slots=True)
class Word:
    """A word at characters [start, end) of the text, and what it gave, in logits.

    `weight` is what it gave in all, `linear` the part of it that came from the model over words.
    """

    text: str
    start: int
    end: int
    weight: float
    linear: float = 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words of a text, and by how much the network's score rose above an empty text's.

    The network's parts add up to `gain`, but for the little that the integral's steps miss.
    """

    words: tuple[Word, ...]
    gain: float


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What each of T tokens gave, at which characters, with the `gain` of an Explanation."""

    offsets: Sequence[tuple[int, int]]
    given: Sequence[float]
    gain: float

    def moved(self, by: int) -> "_Pieces":
        """The same, so many characters later in a longer text."""
        offsets = [(start + by, end + by) for start, end in self.offsets]
        return replace(self, offsets=offsets)


class Explainer:
    """A run's torch weights, opened once, that tell of a text which words drove what was found.

    Raises:
        RunDirError: If the run is not complete, or its weights have changed.
        EncoderError: If the base encoder is not the one that the run was trained on.
    """

    def __init__(self, run: RunDir) -> None:
        self.task = run.check()
        train = run.read_config()["train"]
        self._labels: list[str] = run.read_json(run.labels)
        # Labels that do not rule each other out are each told from nothing, not from the others.
        self._several = self.task == "intent" and kind_of(run) == "several labels"
        self._max_tokens = _read_tokens(run, self.task, train)
        self._encoder, self._tokenizer = _encoder_of(run)
        self._uncut = bare(self._tokenizer)
        self._pooling = _pooling_of(run)
        self._encoder.eval().requires_grad_(False)
        head = load_file(run.head)
        self._head = {name.removeprefix("linear."): value for name, value in head.items()}
        self._weight = self._head["weight"] * self._head.get("scale", torch.ones(1))  # (K, D)
        if run.added.exists():  # intents that came later, straight on the vector
            self._weight = torch.cat([self._weight, load_file(run.added)["weight"]])
        self._words = Words.load(run.words) if run.words.exists() else None

    def intent(self, text: str, label: str) -> Explanation:
        """Why a text has that label: above the mean of all, where a text has one label alone."""
        place = self._labels.index(label)
        batch, offsets = self._tokens(text)
        pieces = self._integral(batch, offsets, self._intent_score(batch, place))
        linear: NDArray[np.floating[Any]] = np.zeros(len(text))
        # Words know nothing of an intent that was added later.
        if self._words is not None and place < self._words[0].weight.shape[1]:
            words, share = self._words
            linear = share * character_weights(words, text, place, not self._several)
        return _told(text, [pieces], linear)

    def entities(self, text: str, tags: Sequence[tuple[str, int, int]]) -> Explanation:
        """Why a text holds these entities: (type, start, end) in characters.

        A long text is read in the windows in which they were found.
        """
        parts = []
        for _, first, piece in windows_of([text], self._too_long):
            here = [
                (kind, start - first, end - first)
                for kind, start, end in tags
                if first <= start and end <= first + len(piece)
            ]
            if here:
                parts.append(self._window(piece, here).moved(first))
        return _told(text, parts, np.zeros(len(text)))

    def _window(self, text: str, tags: Sequence[tuple[str, int, int]]) -> _Pieces:
        """What the tokens of a window gave to these entities of it."""
        batch, offsets = self._tokens(text)
        mask = batch["attention_mask"]
        shapes = torch.from_numpy(shape_ids(text, batch.encodings[0]))[None]
        own, chunk = self._head["own.weight"], self._head["chunk.weight"]
        added = own[shapes[..., 0]] + chunk[shapes[..., 1]]
        chosen = torch.zeros(len(offsets), len(self._labels))
        for kind, start, end in tags:
            inside = [p for p, (s, e) in enumerate(offsets) if s < end and e > start]
            for number, token in enumerate(inside):
                chosen[token, self._labels.index(f"{'I' if number else 'B'}-{kind}")] = 1.0
        chosen -= chosen.sum(1, keepdim=True) / len(self._labels)

        def score(embeds: Tensor) -> Tensor:
            hidden = hidden_states(
                self._encoder, mask.expand(len(embeds), -1), embeds=embeds + added
            )
            logits: Tensor = (hidden @ self._head["weight"].T) * chosen
            return logits.sum((1, 2))

        return self._integral(batch, offsets, score)

    def score(self, text: str, label: str) -> float:
        """The network's logit of the label as `intent` explains it, biases left out."""
        batch, _ = self._tokens(text)
        embeds = self._encoder.get_input_embeddings()(batch["input_ids"])
        with torch.no_grad():
            return float(self._intent_score(batch, self._labels.index(label))(embeds))

    def _intent_score(self, batch: Any, place: int) -> Forward:  # noqa: ANN401 - a BatchEncoding
        mask = batch["attention_mask"]
        weight = self._weight[place]
        if not self._several:
            weight = weight - self._weight.mean(0)

        def score(embeds: Tensor) -> Tensor:
            wide = mask.expand(len(embeds), -1)
            hidden = hidden_states(self._encoder, wide, embeds=embeds)
            pooled = pool(hidden, wide, self._pooling)
            logits: Tensor = pooled @ weight  # the bias is the same for an empty text
            return logits

        return score

    def _tokens(self, text: str) -> tuple[Any, list[tuple[int, int]]]:
        batch = self._tokenizer(
            [text], truncation=True, max_length=self._max_tokens, return_tensors="pt",
            return_offsets_mapping=True,
        )  # fmt: skip
        return batch, [(int(start), int(end)) for start, end in batch["offset_mapping"][0]]

    def _too_long(self, texts: Sequence[str]) -> list[bool]:
        """Whether texts have more tokens than are read at a time."""
        whole = self._uncut.encode_batch(list(texts))
        return [len(encoding.ids) > self._max_tokens for encoding in whole]

    def _integral(
        self,
        batch: Any,  # noqa: ANN401 - a transformers BatchEncoding
        offsets: Sequence[tuple[int, int]],
        score: Forward,
    ) -> _Pieces:
        ids = batch["input_ids"]
        table = self._encoder.get_input_embeddings()
        empty = ids.masked_fill(
            torch.tensor([[end > start for start, end in offsets]]),
            self._tokenizer.pad_token_id or 0,
        )
        given, gain = _integrated(score, table(ids), table(empty))
        return _Pieces(offsets, given, gain)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A text, what is right and what was said, as words; `found` is that as the Explainer takes it.

    `confidence` is in [0, 1].
    """

    text: str
    label: str
    said: str
    confidence: float
    found: Any


def explained_errors(run: RunDir, errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wrong rows of an intent run that it is surest of, with `words` as `predict` gives them.

    Args:
        run: The run.
        errors: Of `text`, `label`, `best` and `confidence`.
    """
    wrong = [
        _Wrong(error["text"], error["label"], error["best"], error["confidence"], error["best"])
        for error in errors
    ]
    return _explained(run, wrong, Explainer.intent)


def explained_entities(run: RunDir, errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wrong entities that an ner run is surest of, a row each, as explained_errors.

    Args:
        run: The run.
        errors: Of `text`, and `missed` and `wrong`: entities' values.
    """
    wrong = [
        _Wrong(
            error["text"],
            ", ".join(f"{each['type']} {each['text']}" for each in error["missed"]) or "no entity",
            f"{entity['type']} {entity['text']}",
            entity["confidence"],
            [(entity["type"], entity["start"], entity["end"])],
        )
        for error in errors
        for entity in error["wrong"]
    ]
    return _explained(run, wrong, Explainer.entities)


def _explained(
    run: RunDir, wrong: Sequence[_Wrong], explain: Callable[[Explainer, str, Any], Explanation]
) -> list[dict[str, Any]]:
    surest = sorted(wrong, key=lambda each: -each.confidence)[:_SUREST]
    if not surest:
        return []
    explainer = Explainer(run)
    rows = []
    for each in surest:
        words = explain(explainer, each.text, each.found).words
        rows.append(
            {
                "text": each.text,
                "label": each.label,
                "predicted": each.said,
                "words": [[word.text, word.start, word.end, word.weight] for word in words],
            }
        )
    return rows


def _integrated(score: Forward, inputs: Tensor, empty: Tensor) -> tuple[list[float], float]:
    """What each token gave (T,), and the whole change of the score."""
    with torch.no_grad():
        gain = float(score(inputs) - score(empty))
    from captum.attr import IntegratedGradients  # takes a second to import

    method = IntegratedGradients(score)
    for steps in _STEPS:
        given = method.attribute(inputs, empty, n_steps=steps, internal_batch_size=_TOGETHER)
        pieces = given[0].sum(-1)
        if abs(gain - float(pieces.sum())) <= _CLOSE * max(1.0, abs(gain)):
            break
    return pieces.tolist(), gain


def _told(text: str, parts: Sequence[_Pieces], linear: NDArray[np.floating[Any]]) -> Explanation:
    """Token pieces of a text's parts summed to its words, the linear model's characters too."""
    words = []
    for match in _UNIT.finditer(text):
        start, end = match.span()
        said = float(linear[start:end].sum())
        given = (
            value
            for part in parts
            for (first, last), value in zip(part.offsets, part.given, strict=True)
            if first < end and last > start
        )
        words.append(Word(match.group(), start, end, sum(given) + said, said))
    return Explanation(tuple(words), sum((part.gain for part in parts), 0.0))


def _read_tokens(run: RunDir, task: str, train: Mapping[str, Any]) -> int:
    """Tokens that the served run reads of a text at a time."""
    if task == "ner":
        return window_tokens(run)
    most = int(train["max_tokens"])
    if run.model.exists():
        return most
    # A head reads by the shared encoder, as long as that does.
    if (train.get("intent") or {}).get("reads") != "conversations":
        most = SHARED_TOKENS
    source = resolve_encoder(run.read_json(run.base)["encoder"])
    return min(most, positions_of(source.path) or most)


def _pooling_of(run: RunDir) -> Pooling:
    """How the run's vectors are made; tuned runs of earlier versions always took the mean."""
    base = run.read_json(run.base)
    if run.model.exists():
        found: Pooling = base.get("pooling", "mean")
        return found
    return resolve_encoder(base["encoder"]).way.pooling


def _encoder_of(run: RunDir) -> tuple[Any, Any]:
    """The run's encoder as torch holds it, and its tokenizer."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(run.tokenizer))
    if run.encoder.is_dir():
        run.verify(run.encoder)
        return AutoModel.from_pretrained(str(run.encoder), dtype=torch.float32), tokenizer
    base = run.read_json(run.base)
    source = resolve_encoder(base["encoder"])
    if source.fingerprint != base["fingerprint"]:
        raise EncoderError(
            f"{run.root}: was trained on other weights of {base['encoder']}; train it again"
        )
    encoder = load_encoder(source)[0]
    if run.adapter.is_dir():
        import peft

        run.verify(run.adapter)
        with warnings.catch_warnings():
            # peft 0.21 asks for an attribute that transformers 5.23 has renamed.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
            encoder = peft.PeftModel.from_pretrained(encoder, str(run.adapter))
    return encoder, tokenizer
