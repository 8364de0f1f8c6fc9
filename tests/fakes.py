"""Stand-ins that satisfy our Protocols: no download, no GPU, the same on every machine."""

import zlib

import numpy as np

from data.schema import Answer, Entity, Intent, Passage
from retrieval.decision import Decision, Fit
from retrieval.fusion import Fusion


def by_hand(fusion, threshold=0.0, margin=0.0):
    """A Fit; a number is the vectors' part, the words have the rest."""
    fusion = fusion if isinstance(fusion, Fusion) else Fusion(fusion)
    return Fit(fusion, Decision(threshold, margin), "by hand")


EVIL = "<img src=x onerror=alert(1)>"


class HashEncoder:
    """Bag of hashed words, 64 wide, unit length."""

    def __init__(self, fingerprint="hash-64"):
        self.fingerprint = fingerprint

    def encode(self, texts):
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.strip("?.,!").encode()) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class EchoApp:
    """Says a question back, word by word."""

    title = "Echo"
    examples = ("Where is my order?",)

    def answer(self, conversation, state):
        text = conversation.turns[-1].text
        if "fail" in text:
            raise RuntimeError(f"secret: {text}")
        yield Answer("You said")
        yield Answer(
            f"You said {text}",
            passages=(
                Passage("p", f"text {EVIL}", f"title {EVIL}", f"faq.csv:1 {EVIL}", score=0.5),
            ),
            intent=Intent("track_order", 0.87),
            entities=(Entity("order_number", text[:2], 0, 2),),
            step="select:faq",
            ms={"search": 3.0, "total": 4.0},
            state={"n": state.get("n", 0) + 1},
        )
