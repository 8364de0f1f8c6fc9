"""Summaries of support conversations: what is quoted, against LexRank, the lead and simple rules.

    python -m benchmarks.summaries [--datasets DIR]

trains the run that writes summaries freely, and keeps it under var/benchmarks/summaries/; the case
`summaries` measures it beside the others, and says that it is not measured where it is missing.

TweetSumm's validation file is the test set; all choices are made on its training file, from which
`deskhand train` carves the rows that choose. Links, mentions and initials are cut by the importer.
References are all of a row's, and the nearest counts. DialogSum's dev rows are read by the same
runs; nothing was trained on it.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import networkx  # type: ignore[import-untyped]  # torch brings it; its stubs are apart
import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.shell import ROOT, deskhand, row
from data.logs.tweetsumm import clean_tweet
from data.schema import Example, Speaker, Turn
from finetune.reading.summaries import read_summaries
from finetune.summary.extractive import ExtractiveModel
from finetune.summary.extractive_parts import SIDES, Sentence, rule, sentences_of, talk_of
from finetune.summary.extractive_wording import Wording
from finetune.summary.model import SummaryModel
from finetune.summary.scores import ROUGE, lead, rouge

WRITER = ROOT / "var" / "benchmarks" / "summaries" / "writer"
_TWEETS = "tweetsumm/tweetsumm_joined_train.jsonl"
_TRIED = 200  # training rows that tell how many sentences LexRank gives best
_DRAWS = 2000
_SPEAKERS: dict[str, Speaker] = {"Customer": "customer", "Agent": "agent"}
Scores = dict[str, NDArray[Any]]


def run(datasets: Path) -> list[dict[str, Any]]:
    """Train once, then score all systems on the same rows."""
    tweets = (datasets / _TWEETS).resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        train = _tweets(tweets, work / "train.jsonl")
        test = _tweets(tweets.with_name("tweetsumm_joined_valid.jsonl"), work / "test.jsonl")
        dialogs = _dialogs(
            (datasets / "dialogsum").resolve() / "dialogsum.dev.jsonl", work / "dialogs.jsonl"
        )
        ours, seconds = deskhand(
            work, "train", "summary", "--set", "summary.kind=extractive",
            "--set", "threads=1", "--data", train, "--out", "run",
        )  # fmt: skip
        model = ExtractiveModel(work / "run", threads=1)
        rows = _systems(model, read_summaries(train, turns_apart=True), test)
        rows += _elsewhere(model, dialogs)
        rows += _written(test, dialogs)
    wording = model.wording
    rows += [
        row("training, s", round(seconds), "", f"{ours['validation']['after']['n']} rows carved"),
        row("learned: the customer's side begins", wording.customer),
        row("learned: the agent's side begins", wording.agent),
    ]
    return rows


def main(
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    overrides: Annotated[list[str] | None, typer.Option("--set", help="of the training")] = None,
) -> None:
    """Train the run that writes, where it is missing."""
    if not WRITER.exists():
        WRITER.parent.mkdir(parents=True, exist_ok=True)
        train = _tweets((datasets / _TWEETS).resolve(), WRITER.with_name("train.jsonl"))
        options = [word for each in overrides or () for word in ("--set", each)]
        deskhand(ROOT, "train", "summary", "--data", train, "--out", WRITER, *options)


def _systems(model: ExtractiveModel, train: Sequence[Example], test: Path) -> list[dict[str, Any]]:
    """The rows of TweetSumm: the sentences as they stand, then all in the learned wording."""
    examples = read_summaries(test, turns_apart=True)
    best = _lexrank_size(train[:_TRIED])
    wording = model.wording
    quoted: dict[str, Callable[[Example], str]] = {
        "lead-3": lambda each: lead(each.text, 3),
        f"LexRank, {best} sentences": lambda each: lexrank(each, best),
        "rule: customer's first two sentences, agent's last": lambda each: _by(each, _two_and_last),
        "rule: customer's first turn, agent's last": lambda each: _by(each, rule),
        "ours, quoted": lambda each: _quoted(model, each),
    }
    worded: dict[str, Callable[[Example], str]] = {
        "rule: two sentences and the last, learned wording": lambda each: _by(
            each, _two_and_last, wording
        ),
        "rule: first turn and last, learned wording": lambda each: _by(each, rule, wording),
        "ours, learned wording": lambda each: model.write([each.text])[0],
    }
    rows = []
    for systems, goal in ((quoted, "ours, quoted"), (worded, "ours, learned wording")):
        found = {name: _scored(examples, write) for name, write in systems.items()}
        for name, scores in found.items():
            rows += _row(f"TweetSumm, {len(examples)} rows: {name}", scores)
        ours = found.pop(goal)
        for name, scores in found.items():
            one, l_ = (_gain(ours[each], scores[each]) for each in ("rouge1", "rougeL"))
            rows.append(row(f"{goal} − {name}: ROUGE-1", one, "≥ +0.03", f"ROUGE-L {l_} (≥ +0.02)"))
    return rows


def _elsewhere(model: ExtractiveModel, path: Path) -> list[dict[str, Any]]:
    examples = read_summaries(path, turns_apart=True)
    systems: dict[str, Callable[[Example], str]] = {
        "lead-3": lambda each: lead(each.text, 3),
        "LexRank, 3 sentences": lambda each: lexrank(each, 3),
        "rule: first turn and last": lambda each: _by(each, rule),
        "ours, quoted": lambda each: _quoted(model, each),
    }
    title = f"DialogSum dev, {len(examples)} rows, trained on TweetSumm"
    return [
        line
        for name, write in systems.items()
        for line in _row(f"{title}: {name}", _scored(examples, write))
    ]


def _written(tweets: Path, dialogs: Path) -> list[dict[str, Any]]:
    """The rows of the run that writes freely: an encoder on both sides, or whatever was named."""
    title = "abstractive, an encoder on both sides"
    if not WRITER.exists():
        return [row(title, "not measured", "", "python -m benchmarks.summaries")]
    model = SummaryModel(WRITER, threads=2)
    rows = []
    for name, path in (("TweetSumm", tweets), ("DialogSum dev", dialogs)):
        examples = read_summaries(path)
        start = time.perf_counter()
        written = model.write([each.text for each in examples])
        each_ms = (time.perf_counter() - start) * 1000 / len(examples)
        found = rouge([each.targets for each in examples], written)
        rows += _row(f"{name}, {len(examples)} rows: {title}", found, f"{each_ms:.0f} ms each")
    return rows


def _quoted(model: ExtractiveModel, example: Example) -> str:
    """What the scorer chooses, as it stands in the conversation."""
    quoted = model.extract(talk_of(example.text)).quoted
    return " ".join(text for side in SIDES for text in quoted[side])


def lexrank(example: Example, size: int) -> str:
    """The `size` sentences of the highest LexRank, in order.

    Source: Erkan & Radev 2004, JAIR 22, with its threshold of 0.1 and damping of 0.85.
    """
    texts = [each.text for each in sentences_of(talk_of(example.text))]
    try:
        vectors = TfidfVectorizer().fit_transform(texts)
    except ValueError:  # no sentence has a word
        return " ".join(texts[:size])
    near = (vectors @ vectors.T).toarray() > 0.1
    ranks = networkx.pagerank(networkx.from_numpy_array(near.astype(int)), alpha=0.85)
    best = sorted(range(len(texts)), key=lambda place: (-ranks[place], place))[:size]
    return " ".join(texts[place] for place in sorted(best))


def _lexrank_size(train: Sequence[Example]) -> int:
    """How many sentences give the highest mean of the three scores on training rows."""

    def reached(size: int) -> float:
        scores = _scored(train, lambda each: lexrank(each, size))
        return float(np.mean([scores[name] for name in ROUGE]))

    return max((2, 3, 4, 5), key=reached)


def _two_and_last(sentences: Sequence[Sentence]) -> dict[Speaker, tuple[int, ...]]:
    own = {
        side: [place for place, each in enumerate(sentences) if each.speaker == side]
        for side in SIDES
    }
    return {"customer": tuple(own["customer"][:2]), "agent": tuple(own["agent"][-1:])}


def _by(
    example: Example,
    choose: Callable[[Sequence[Sentence]], dict[Speaker, tuple[int, ...]]],
    wording: Wording | None = None,
) -> str:
    sentences = sentences_of(talk_of(example.text))
    said = {
        side: [sentences[place].text for place in places]
        for side, places in choose(sentences).items()
    }
    if wording is not None:
        return wording.text(said)
    return " ".join(text for side in SIDES for text in said[side])


def _scored(examples: Sequence[Example], write: Callable[[Example], str]) -> Scores:
    return rouge([each.targets for each in examples], [write(each) for each in examples])


def _row(name: str, scores: Scores, further: str = "") -> list[dict[str, Any]]:
    one, two, longest = (float(scores[each].mean()) for each in ROUGE)
    beside = "; ".join(filter(None, ("ROUGE-1 / 2 / L", further)))
    return [row(name, f"{one:.3f} / {two:.3f} / {longest:.3f}", "", beside)]


def _gain(ours: NDArray[Any], theirs: NDArray[Any]) -> str:
    """The mean difference with its 95% interval by a paired bootstrap over rows."""
    gap = ours - theirs
    draws = np.random.default_rng(0).integers(0, len(gap), (_DRAWS, len(gap)))
    low, high = np.quantile(gap[draws].mean(axis=1), (0.025, 0.975))
    return f"{gap.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def _tweets(path: Path, out: Path) -> Path:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        said = [(_SPEAKERS[each["speaker"]], each["text"]) for each in values["turns"]]
        turns = [Turn(speaker, clean_tweet(text, speaker)) for speaker, text in said]
        rows.append((turns, values["abstractive_summaries"]))
    return _write(out, rows)


def _dialogs(path: Path, out: Path) -> Path:
    """Who speaks first stands for the customer."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        parts = [each.partition(": ") for each in values["dialogue"].splitlines()]
        first = parts[0][0]
        turns = [Turn("customer" if who == first else "agent", text) for who, _, text in parts]
        rows.append((turns, [values["summary"]]))
    return _write(out, rows)


def _write(out: Path, rows: Sequence[tuple[list[Turn], list[str]]]) -> Path:
    with out.open("w", encoding="utf-8") as file:
        for turns, summaries in rows:
            said = [{"speaker": each.speaker, "text": each.text} for each in turns if each.text]
            file.write(json.dumps({"turns": said, "summaries": summaries}) + "\n")
    return out


if __name__ == "__main__":
    typer.run(main)
