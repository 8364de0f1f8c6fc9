"""Training the scorer of sentences: it is rewarded with the ROUGE that its choice would have.

The scores of a conversation's runs become a distribution (softmax); what training raises is the
mean reward under it. A regression to the reward of each run instead was 2 points of ROUGE-1 worse
on held-out training conversations: it spends itself on telling bad runs from worse ones.

It starts as the rule (the customer's first turn, the agent's last) and leaves it where held-out
rows gain by that. From random numbers, thirty rows of TweetSumm made it far worse than the rule.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from data.encoders import Encoder, resolve_encoder
from data.errors import LogFormatError
from data.schema import Example, Speaker
from finetune.config import TrainConfig
from finetune.encoder import base_of, load_encoder
from finetune.reading import Splits
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.serving import shared_encoder
from finetune.summary.extractive_parts import (
    FEATURES,
    SIDES,
    Floats,
    Run,
    Sentence,
    describe,
    rule,
    runs_of,
    sentences_of,
    talk_of,
)
from finetune.summary.extractive_rouge import Reference, nearest, words_of
from finetune.summary.extractive_wording import Wording, openings

_PASSES = 15
_STEPS = 100  # at least: few rows are passed over more often
_BATCH = 32  # conversations a step
_RATE = 2e-3
_DECAY = 0.05
_RULE = 5.0  # what nearness to the rule counts at first
_SHARPNESS = 20.0  # factor on the reward
_RUNS = 300  # of a conversation's side that training looks at, drawn by chance where there are more
_WORDED = 400  # rows that openings are tried on
_PROBED = 64  # sentences encoded to tell how long it will take


@dataclass(frozen=True, slots=True)
class Talk:
    """A training row: its sentences n, their vectors (n, D), its references."""

    sentences: list[Sentence]
    vectors: Floats
    references: list[Reference]


@dataclass(frozen=True, slots=True)
class Choice:
    """A side's runs: numbers (R, FEATURES), vectors (R, D), and the reward (R,) of each."""

    numbers: Tensor
    vectors: Tensor
    rewards: Tensor


class Net(nn.Module):
    """What RunScorer is when it is served; numbers come with mean 0 and deviation 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, 16)
        self.hidden = nn.Linear(FEATURES - 1 + 16, 48)
        self.out = nn.Linear(48, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.rule = nn.Parameter(torch.tensor(_RULE))

    def forward(self, numbers: Tensor, vectors: Tensor) -> Tensor:
        """Scores (R,)."""
        short = self.narrow(nn.functional.dropout(vectors, 0.3, self.training))
        hidden = torch.relu(self.hidden(torch.cat([numbers[:, :-1], short], dim=-1)))
        scores: Tensor = self.out(nn.functional.dropout(hidden, 0.2, self.training))
        return scores.squeeze(-1) + self.rule * numbers[:, -1]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned: arrays by name as RunScorer has them, and the wording."""

    arrays: dict[str, Floats]
    wording: Wording
    fitted_on: str


class ExtractiveTrainer:
    """Fits the scorer where a Trainer is expected: a minute's work, nothing to resume."""

    def __init__(self, config: TrainConfig, splits: Splits) -> None:
        self._config, self._splits = config, splits
        self._encoder = shared_encoder(config.encoder, threads=config.threads)
        self.model: Fitted | None = None
        self.state = SimpleNamespace(log_history=[])

    def train(self, resume_from_checkpoint: str | None = None) -> None:
        """Fit; `model` holds the scorer afterwards."""
        self.model = fit_extractive(self._config, self._splits, self._encoder)

    def probe(self) -> tuple[float, int, int]:
        """Seconds that encoding will take, parameters of the scorer, and of all."""
        texts = [
            each.text
            for example in self._splits.train
            for each in sentences_of(talk_of(example.text))
        ]
        few = texts[:: max(1, len(texts) // _PROBED)][:_PROBED]
        if not few:
            raise LogFormatError("no training row has a sentence; give rows with 'turns'")
        begun = time.perf_counter()
        width = self._encoder.encode(few).shape[1]
        seconds = (time.perf_counter() - begun) / len(few) * len(texts)
        trained = len(SIDES) * sum(each.numel() for each in Net(width).parameters())
        return seconds, trained, trained

    def add_callback(self, callback: Any) -> None:  # noqa: ANN401 - as a Trainer takes it
        """There are no logged steps to tell of."""

    def remove_callback(self, callback: Any) -> None:  # noqa: ANN401 - as a Trainer takes it
        """There is none."""


def fit_extractive(config: TrainConfig, splits: Splits, encoder: Encoder) -> Fitted:
    """Learn the wording from the references, then the scorer of each side.

    The wording is chosen on training rows; the pass of each scorer that is kept, on validation
    rows.
    """
    train, validation = (_talks(rows, encoder) for rows in (splits.train, splits.validation))
    if not train:
        raise LogFormatError("no training row has a sentence; give rows with 'turns'")
    generator = np.random.default_rng(config.seed)
    wording = Wording()
    if config.summary.wording == "learned":
        wording = fit_wording(train, [example.targets for example in splits.train], generator)
    arrays: dict[str, Floats] = {}
    torch.set_num_threads(1)  # threads that share so small a net wait for each other
    for side in SIDES:
        choices, held = (
            [each for talk in talks if (each := _choice(talk, side, wording, config, generator))]
            for talks in (train, validation)
        )
        found = _fit_side(choices, held, train[0].vectors.shape[1], config.seed)
        arrays |= {f"{side}.{name}": value for name, value in found.items()}
    torch.set_num_threads(config.threads)
    where = f"training: {len(train)} rows; the pass kept by {len(validation)} validation rows"
    return Fitted(arrays, wording, where)


def save_extractive(fitted: Fitted, config: TrainConfig, run: RunDir) -> None:
    """Write the scorer, the wording and what they stand on; see Task."""
    source = resolve_encoder(config.encoder)
    begin_weights(run, base_of(source), [], load_encoder(source)[1])
    save_file(fitted.arrays, run.head)
    write_json(
        run.calibration, {"wording": fitted.wording.to_dict(), "fitted_on": fitted.fitted_on}
    )


def fit_wording(
    talks: Sequence[Talk], targets: Sequence[Sequence[str]], generator: np.random.Generator
) -> Wording:
    """The openings and the person whose summaries by rule are nearest to the references."""
    rows = generator.permutation(len(talks))[:_WORDED]
    quoted = []
    for row in rows:
        sentences, runs = talks[row].sentences, rule(talks[row].sentences)
        quoted.append({side: [sentences[place].text for place in runs[side]] for side in SIDES})

    def reward(wording: Wording) -> float:
        return float(
            np.mean(
                [
                    nearest(words_of(wording.text(said)), talks[row].references)
                    for row, said in zip(rows, quoted, strict=True)
                ]
            )
        )

    offered = openings(targets)
    best, reached = Wording(), reward(Wording())
    for third in (False, True):
        found = Wording(third_person=third)
        for side in SIDES:
            tried = [Wording(**(found.to_dict() | {side: text})) for text in ("", *offered[side])]
            found = max(tried, key=reward)
        if (now := reward(found)) > reached:
            best, reached = found, now
    return best


def _talks(examples: Sequence[Example], encoder: Encoder) -> list[Talk]:
    """The rows that have a sentence, each sentence encoded once."""
    rows = [(sentences_of(talk_of(example.text)), example) for example in examples]
    rows = [(sentences, example) for sentences, example in rows if sentences]
    texts = [each.text for sentences, _ in rows for each in sentences]
    vectors = encoder.encode(texts)
    talks, start = [], 0
    for sentences, example in rows:
        end = start + len(sentences)
        references = [Reference(text) for text in example.targets]
        talks.append(Talk(sentences, vectors[start:end], references))
        start = end
    return talks


def _choice(
    talk: Talk, side: Speaker, wording: Wording, config: TrainConfig, generator: np.random.Generator
) -> Choice | None:
    """A side's runs with their rewards, the other side quoted by rule; None for less than two."""
    runs: list[Run] = runs_of(talk.sentences, side, config.summary.side_words)
    if len(runs) < 2:
        return None
    if len(runs) > _RUNS:
        kept = sorted(generator.choice(len(runs), _RUNS, replace=False))
        runs = [runs[place] for place in kept]
    beside = rule(talk.sentences)

    def words(each: Speaker, run: Run) -> tuple[str, ...]:
        said = wording.part(each, [talk.sentences[place].text for place in run])
        return words_of(said)

    fixed = {each: words(each, beside[each]) for each in SIDES if each != side}
    rewards = []
    for run in runs:
        said = fixed | {side: words(side, run)}
        rewards.append(nearest([word for each in SIDES for word in said[each]], talk.references))
    numbers, vectors = describe(talk.sentences, talk.vectors, side, runs)
    given = (torch.tensor(each, dtype=torch.float32) for each in (numbers, vectors, rewards))
    return Choice(*given)


def _fit_side(
    choices: Sequence[Choice], held: Sequence[Choice], width: int, seed: int
) -> dict[str, Floats]:
    """The arrays of a side's scorer; those of the pass with the best held-out reward."""
    torch.manual_seed(seed)
    net = Net(width)
    numbers = torch.cat([each.numbers for each in choices]) if choices else torch.zeros(1, FEATURES)
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0) + 1e-6
    mean[-1], deviation[-1] = 0.0, 1.0  # nearness to the rule stays in [0, 1]

    def scores(batch: Sequence[Choice]) -> list[Tensor]:
        numbers = torch.cat([each.numbers for each in batch])
        found: Tensor = net(
            (numbers - mean) / deviation, torch.cat([each.vectors for each in batch])
        )
        return list(torch.split(found, [len(each.rewards) for each in batch]))

    each_pass = max(1, -(-len(choices) // _BATCH))
    passes = max(_PASSES, -(-_STEPS // each_pass)) if choices else 0
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _RATE, total_steps=passes * each_pass + 2, pct_start=0.1
    )

    def reward() -> float:
        net.eval()
        with torch.inference_mode():
            taken = [
                float(each.rewards[int(scores([each])[0].argmax())]) for each in held or choices
            ]
        return float(np.mean(taken)) if taken else 0.0

    best, reached = _copy(net), reward()
    for _ in range(passes):
        net.train()
        order = torch.randperm(len(choices)).tolist()
        for start in range(0, len(order), _BATCH):
            batch = [choices[place] for place in order[start : start + _BATCH]]
            gained = [
                (torch.softmax(found, 0) * (each.rewards - each.rewards.mean())).sum()
                for each, found in zip(batch, scores(batch), strict=True)
            ]
            loss = -_SHARPNESS * torch.stack(gained).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        if (now := reward()) > reached:
            best, reached = _copy(net), now
    return {"mean": mean.numpy(), "deviation": deviation.numpy(), **best}


def _copy(net: Net) -> dict[str, Floats]:
    return {name: value.numpy().copy() for name, value in net.state_dict().items()}
