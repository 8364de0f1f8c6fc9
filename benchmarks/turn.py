"""A bot's turn by its parts: selecting, with a second look of 8 bits, and the first written token.

The store is on the disk, each turn in a conversation of its own. Runs and index of the sample
company are those of the working directory. A second look and a writer take their time whatever they
have learned: where no trained ones are there, untuned ones of the same shape are timed.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.rerank import DEPTH, SAMPLE_RUN
from benchmarks.shell import ROOT, SAMPLES, row
from data import onnx_text
from data.rows import read_rows
from retrieval.index import Index

EVERY = 5  # of the test turns one in so many: 138
WARM = 10  # turns that are not counted
FEW = 15  # texts that models with and without spinning threads read in turns
ROUNDS = 3
WRITTEN = 20  # situations that a writer begins to answer
STAR_RUN = ROOT / "var" / "benchmarks" / "star" / "dialogue"


@dataclass(frozen=True, slots=True)
class Timed:
    """A turn: milliseconds of the wall clock and of the process's CPUs, and the Answer's parts."""

    wall: float
    cpu: float
    parts: dict[str, float]


def run(datasets: Path) -> list[dict[str, Any]]:
    """Time the three modes."""
    from apps.build import build_bot, build_store, opened_index
    from apps.config import app_config
    from apps.serving import leave_cores_to_models

    texts = [str(each.values["text"]) for each in read_rows(SAMPLES / "turns" / "test.jsonl")]
    with tempfile.TemporaryDirectory() as name:
        config, folder = app_config("customer_service", [f"store=sqlite:///{name}/turn.db"])
        store = build_store(config, folder)
        bot = build_bot(config, folder, store)
        bot.read_ahead()  # this and the next as `deskhand serve` does
        spinning = _turns(bot, store, texts[::EVERY])
        leave_cores_to_models()
        selecting = _turns(bot, store, texts[::EVERY])
        index = opened_index(config.index, config.threads)
        look, made = _second_look(index, Path(name), config.threads)
        looks = _milliseconds(look, texts[::EVERY])
    return [
        *_rows("selecting", selecting, ("40", "90")),
        _looked(selecting, looks, made),
        *_parts(selecting),
        _numpys_threads(spinning, selecting),
        *_first_token(texts, config.threads, selecting),
        _idle_threads(texts[:: len(texts) // FEW], config.threads),
    ]


def _turns(bot: Any, store: Any, texts: Sequence[str]) -> list[Timed]:  # noqa: ANN401 - an app
    from apps.chat import exchange

    found = []
    for text in [*texts[:WARM], *texts]:
        identity = store.new_conversation("turn", "customer_service")
        wall, cpu = time.perf_counter(), time.process_time()
        *_, (answer, _) = exchange(bot, store, identity, text)
        spent = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
        found.append(Timed(*spent, {**answer.ms, "store": spent[0] - answer.ms["total"]}))
    return found[WARM:]


def _second_look(index: Index, work: Path, threads: int) -> tuple[Callable[[str], Any], str]:
    """What reads the first passages of a text's search again, and what it was made of."""
    from retrieval.rerank import second_look

    if SAMPLE_RUN.exists():
        from finetune.reply.reranker import RerankerModel

        reranker: Any = RerankerModel(SAMPLE_RUN, threads, int8=True)
        made = "the sample company's cross-encoder"
    else:
        reranker, made = _Untuned(work, threads), "an untuned cross-encoder of the same shape"
    known: dict[str, Any] = {}

    def look(text: str) -> None:
        second_look(text, known[text], reranker)

    def prepared(text: str) -> Callable[[], None]:
        known[text] = index.search(text, DEPTH)
        return lambda: look(text)

    return prepared, made


class _Untuned:
    """The default encoder with a drawn layer on it, as a reranker of 8 bits."""

    def __init__(self, work: Path, threads: int) -> None:
        import torch

        from data.encoders import DEFAULT_ENCODER, resolve_encoder
        from data.onnx_eight_bit import eight_bit
        from data.onnx_text import OnnxText
        from finetune.encoder import export_onnx, load_encoder
        from finetune.reply.cross_encoder import PairNet, pair_inputs

        source = resolve_encoder(DEFAULT_ENCODER)
        model, tokenizer = load_encoder(source)
        torch.manual_seed(0)
        net = PairNet(model, torch.nn.Linear(model.config.hidden_size, 1))
        export_onnx(net, pair_inputs(tokenizer), work / "pairs.onnx")
        tokenizer.save_pretrained(str(work))
        self._texts = OnnxText(
            eight_bit(work / "pairs.onnx", work), work / "tokenizer.json", 192, threads,
            features={"token_type_ids": lambda _, tokens: np.array(tokens.type_ids)},
        )  # fmt: skip

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.floating[Any]]:
        """See Reranker."""
        pairs = [(question, passage) for passage in passages]
        found = self._texts.run(passages, self._texts.tokenize(pairs))
        return np.concatenate(found)


def _milliseconds(prepare: Callable[[str], Any], texts: Sequence[str]) -> list[tuple[float, float]]:
    """Wall and CPU milliseconds of what is prepared for each text."""
    found = []
    for text in texts:
        ready = prepare(text)
        wall, cpu = time.perf_counter(), time.process_time()
        ready()
        found.append(((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000))
    return found[WARM:]


def _rows(what: str, turns: Sequence[Timed], aims: tuple[str, str]) -> list[dict[str, str]]:
    wall, cpu = (np.array([getattr(each, name) for each in turns]) for name in ("wall", "cpu"))
    rows = []
    for place, aim in zip((50, 95), aims, strict=True):
        beside = f"CPU {np.percentile(cpu, place):.1f} ms"
        beside += f"; {len(turns)} turns, each stored" if place == 50 else ""
        shown = f"{np.percentile(wall, place):.1f}"
        rows.append(row(f"{what}: a turn, p{place}, ms", shown, aim, beside))
    return rows


def _looked(
    turns: Sequence[Timed], looks: Sequence[tuple[float, float]], made: str
) -> dict[str, str]:
    """A turn with a second look: what selecting takes, and the look on top of each search."""
    generator = np.random.default_rng(0)
    drawn = generator.permutation(len(looks))
    wall, cpu = [], []
    for place, turn in enumerate(turns):
        extra = looks[drawn[place % len(looks)]] if "search" in turn.parts else (0.0, 0.0)
        wall.append(turn.wall + extra[0])
        cpu.append(turn.cpu + extra[1])
    each = np.median([wall_ms for wall_ms, _ in looks])
    return row(
        f"selecting, {DEPTH} passages read again with 8 bits: a turn, p50, ms",
        f"{np.median(wall):.1f}", "120",
        f"CPU {np.median(cpu):.1f} ms; the look alone {each:.1f} ms; {made}",
    )  # fmt: skip


def _parts(turns: Sequence[Timed]) -> list[dict[str, str]]:
    """The median of each part, over the turns that have it."""
    names = list(dict.fromkeys(name for turn in turns for name in turn.parts if name != "total"))
    rows = []
    for name in names:
        spent = [turn.parts[name] for turn in turns if name in turn.parts]
        p95 = np.percentile(spent, 95)
        beside = f"p95 {p95:.1f}; in {len(spent)} of {len(turns)} turns"
        rows.append(row(f"part of a turn: {name}, p50, ms", f"{np.median(spent):.1f}", "", beside))
    return rows


def _numpys_threads(spinning: Sequence[Timed], leaving: Sequence[Timed]) -> dict[str, str]:
    """Turns while numpy's idle threads spin, to the same turns with one thread for its products."""
    before, after = (np.median([turn.wall for turn in each]) for each in (spinning, leaving))
    return row(
        "a turn, numpy's idle threads spinning to none: p50", float(before / after), "",
        f"{before:.1f} to {after:.1f} ms",
    )  # fmt: skip


def _first_token(
    texts: Sequence[str], threads: int, turns: Sequence[Timed]
) -> list[dict[str, str]]:
    """To the first piece that a dialogue run writes, after what a turn does before it."""
    what = "generating: a turn to its first token, p50, ms"
    if not STAR_RUN.exists():
        return [row(what, "not measured", "300", f"no run {STAR_RUN.relative_to(ROOT)}")]
    from data.schema import Situation, Turn
    from finetune.dialogue.model import DialogueModel

    model = DialogueModel(STAR_RUN, threads)
    spent = []
    for text in texts[:: max(len(texts) // WRITTEN, 1)]:
        start = time.perf_counter()
        writing = model.write(Situation((Turn("customer", text),), (), {}))
        next(writing, None)
        spent.append((time.perf_counter() - start) * 1000)
    names = ("intent", "entities", "search")
    before = [sum(turn.parts[name] for name in names) for turn in turns if "search" in turn.parts]
    p50, p95 = np.percentile(spent[1:], [50, 95])
    beside = f"the run alone {p50:.1f}, p95 {p95:.1f}; {len(spent) - 1} turns; MiniLM's shape"
    return [row(what, f"{p50 + np.median(before):.1f}", "300", beside)]


def _idle_threads(texts: Sequence[str], threads: int) -> dict[str, str]:
    """Intent, entities and vector of a text: idle threads that spin, to those that stop."""
    from data.encoders import DEFAULT_ENCODER
    from finetune.intent.model import IntentModel
    from finetune.ner.model import NerModel
    from finetune.serving import encoder_of

    def opened() -> Callable[[str], None]:
        encoder = encoder_of(DEFAULT_ENCODER, threads)
        intents = IntentModel(Path("runs/intent"), lambda name: encoder, threads)
        entities = NerModel(Path("runs/ner"), threads)

        def read(text: str) -> None:
            intents.predict([text])
            entities.predict([text])
            encoder.encode([text])

        return read

    with patch.object(onnx_text, "IDLE_THREADS_STOP", "0"):
        spinning = opened()
    readers = (spinning, opened())
    spent = np.zeros((2, ROUNDS + 1, len(texts), 2))  # the first round only warms
    for turn in range(ROUNDS + 1):
        for which, read in enumerate(readers):
            for place, text in enumerate(texts):
                wall, cpu = time.perf_counter(), time.process_time()
                read(text)
                spent[which, turn, place] = time.perf_counter() - wall, time.process_time() - cpu
    best = np.median(spent[:, 1:].min(axis=1), axis=1) * 1000  # (2, wall and CPU), best of rounds
    (wall, cpu), (less_wall, less_cpu) = best
    return row(
        "three models, idle threads that spin to threads that stop: wall", wall / less_wall, "",
        f"{wall:.1f} to {less_wall:.1f} ms; CPU {cpu:.1f} to {less_cpu:.1f} ms, "
        f"{cpu / less_cpu:.2f}; best of {ROUNDS}, in turns",
    )  # fmt: skip
