"""New intents for a trained run from a handful of rows each, in seconds: the old ones stay.

The encoder and every old weight stay as they are. Each new intent gets a weight vector and a bias,
fitted by logistic regression against the rows' vectors that the run remembers of the old intents;
a second look sets how readily the new ones are said, so that the old ones keep their rows. Nothing
is known of the old training texts. A full training on all rows, when there is time, does better.

Source: weights for new classes beside fixed ones, Qi et al. 2018 (imprinted weights),
arXiv:1712.07136; here fitted rather than averaged
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from data.encoders import Encoder
from data.errors import ConfigError, LogFormatError
from data.schema import OOS, Example
from finetune.confidence.calibration import Calibration
from finetune.confidence.memory import Memory
from finetune.intent.text_logits import TextLogits
from finetune.metrics import rounded
from finetune.partial import alone, room
from finetune.reading import read_labelled
from finetune.run_dir import RunDir, record_sums, write_json

Floats = NDArray[np.floating[Any]]
_C = 100.0  # inverse regularization: of 2 to 500, more gain little on held-out rows
_FOLDS = 5
_TAKEN = 0.005  # share of the old intents' rows that the new ones may take
_FEWEST = 2  # rows of a new intent


@dataclass(frozen=True, slots=True)
class _Rows:
    """Vectors (m, D) of rows, and what a new label must beat on them (m, 2): see `standing_of`."""

    vectors: Floats
    standing: Floats

    def part(self, places: NDArray[np.bool_]) -> "_Rows":
        return _Rows(self.vectors[places], self.standing[places])


@dataclass(frozen=True, slots=True)
class Extended:
    """A run with more intents: their rows, and metrics on rows held out in turn."""

    run: RunDir
    added: dict[str, int]
    metrics: dict[str, float]
    seconds: float


def extend(
    source: Path,
    data: Path,
    out: Path,
    encoder: Callable[[str], Encoder],
    threads: int = 2,
    columns: Mapping[str, str] | None = None,
) -> Extended:
    """Write a run that knows further intents.

    Args:
        source: A run of task intent with one label a text.
        data: A labelled file with rows of the new intents alone.
        out: Where the new run goes; `source` is left as it is.
        encoder: Opens the shared encoder by name, for a run whose encoder is frozen.
        threads: CPU threads.
        columns: `text_column` and `label_column` of the file where they are not those that the run
            was trained on.

    Raises:
        DeskhandError: If the run or the rows are not what is needed.
    """
    begun = time.perf_counter()
    old, new = RunDir(source), RunDir(out)
    old.check("intent")
    for folder in (old.encoder, old.adapter):  # a copy of changed weights would look as trained
        old.verify(folder)
    config = old.read_config()
    trained = old.trained().model_copy(update=dict(columns or {}))
    if trained.multi_label:
        raise ConfigError(f"{source}: its texts have several intents each; train it again instead")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: exists; choose another --out")
    if trained.intent.from_the_end:
        raise ConfigError(
            f"{source}: reads conversations; steps are not added one by one, train it again"
        )
    rows = read_labelled(data, trained.text_column, trained.label_column)
    labels: list[str] = old.read_json(old.labels)
    names = _new_names(rows, labels)
    calibration = old.read_as(old.calibration, Calibration.from_dict)
    memory = Memory.load(old.memory)
    if len(memory.standing) < len(memory.rows):
        raise ConfigError(f"{source}: was trained before it could be extended so; train it again")
    logits = TextLogits(old, encoder, threads)
    standing, vectors = logits.standing([row.text for row in rows])
    target = np.array([names.index(row.label or "") for row in rows])
    added_rows = _Rows(vectors, standing)
    old_rows = _Rows(memory.rows, memory.standing)
    held = _Rows(memory.held, memory.held_standing) if len(memory.held) else None
    weight, bias = _fit(added_rows, target, old_rows, len(names))
    shift, metrics = _shift(added_rows, target, old_rows, held, (weight, bias))
    bias = bias + shift
    with alone(new), _swept(new), room(new, "extend it again"):
        shutil.rmtree(new.partial.root, ignore_errors=True)
        shutil.copytree(source, new.partial.root)
        _save(
            new.partial,
            logits,
            weight,
            bias,
            _remembered(memory, added_rows, target, (weight, bias)),
        )
        write_json(new.partial.labels, [*labels, *names])
        write_json(new.partial.calibration, _calibration(calibration, len(names)).to_dict())
        added = dict(Counter(row.label or OOS for row in rows))
        record = {"from": str(source), "added": added, "held_out": rounded(metrics)}
        extended = [*config.get("extended", []), record]
        new.partial.write_config({**config, "extended": extended})
        with new.partial.card.open("a", encoding="utf-8") as card:
            card.write(
                f"\n## Extended\n\n{', '.join(names)}: added with {len(rows)} rows to the run "
                "above, whose metrics, errors and report know nothing of them.\n"
            )
        record_sums(new.partial)
        new.partial.root.replace(out)
    return Extended(new, added, rounded(metrics), round(time.perf_counter() - begun, 2))


@contextmanager
def _swept(run: RunDir) -> Iterator[None]:
    """Leave nothing of what did not come to its end: it would only be begun anew."""
    try:
        yield
    finally:
        shutil.rmtree(run.partial.root, ignore_errors=True)


def _new_names(rows: Sequence[Example], labels: Sequence[str]) -> list[str]:
    """The new labels, sorted.

    Raises:
        LogFormatError: If one is not new, out of scope, or has too few rows.
    """
    counts = Counter(row.label or OOS for row in rows)
    for row in rows:
        if row.label in labels or row.label == OOS:
            raise LogFormatError(
                f"{row.where}: {row.label!r} is no new intent; leave such rows out, or train again "
                "with all rows"
            )
    few = [name for name, count in counts.items() if count < _FEWEST]
    if few:
        raise LogFormatError(
            f"{rows[0].where.rsplit(':', 1)[0]}: {few[0]!r} has one row; {_FEWEST} are needed, ten "
            "are better"
        )
    return sorted(counts)


def _fit(rows: _Rows, target: NDArray[np.int_], old_rows: _Rows, new: int) -> tuple[Floats, Floats]:
    """Weights (M, D) and biases (M,) of M new labels, beside fixed scores of the old ones.

    Args:
        rows: n of the new labels.
        target: (n,) numbers of the new labels.
        old_rows: Remembered ones.
        new: M.
    """
    features = np.concatenate([rows.vectors, old_rows.vectors]).astype(np.float64)
    width = features.shape[1]
    wanted = np.zeros((len(features), new))
    wanted[np.arange(len(target)), target] = 1.0
    # A remembered row must go to any old label: which one is settled.
    old = np.concatenate([rows.standing, old_rows.standing])[:, 1].astype(np.float64)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weight, bias = flat[: new * width].reshape(new, width), flat[new * width :]
        all_scores = np.column_stack([features @ weight.T + bias, old])
        logs = log_softmax(all_scores, axis=1)
        right = np.column_stack([wanted, 1 - wanted.sum(axis=1)])
        error = (softmax(all_scores, axis=1) - right)[:, :new]
        value = -(right * logs).sum() + (weight**2).sum() / (2 * _C)
        slope = np.concatenate([(error.T @ features + weight / _C).ravel(), error.sum(axis=0)])
        return float(value), slope

    found = minimize(loss, np.zeros(new * (width + 1)), jac=True, method="L-BFGS-B")
    flat = found.x
    return flat[: new * width].reshape(new, width), flat[new * width :]


def _shift(
    rows: _Rows,
    target: NDArray[np.int_],
    old_rows: _Rows,
    held: _Rows | None,
    fitted: tuple[Floats, Floats],
) -> tuple[float, dict[str, float]]:
    """What is added to all new biases, and what it gives on rows held out in turn.

    As much as leaves all but `_TAKEN` of the old rows with their old labels, and no more than
    brings in all held-out new ones. Old rows are judged on `held`, which no weight was trained on:
    scores of training rows are surer of themselves. `fitted` is what `_fit` gave for all rows;
    other arguments as of `_fit`.
    """
    fold_of = np.random.default_rng(0).permutation(len(target)) % _FOLDS
    old_fold = np.random.default_rng(0).permutation(len(old_rows.vectors)) % _FOLDS
    lead, best = np.empty(len(target)), np.empty(len(target), dtype=int)
    threat: Floats = np.empty(len(old_rows.vectors))
    for fold in range(_FOLDS):
        kept, here = fold_of != fold, old_fold == fold
        beside = old_rows if held is not None else old_rows.part(~here)
        weight, bias = _fit(rows.part(kept), target[kept], beside, len(fitted[1]))
        own = rows.vectors[~kept] @ weight.T + bias
        best[~kept] = own.argmax(axis=1)
        lead[~kept] = own.max(axis=1) - rows.standing[~kept, 0]
        if held is None:
            threat[here] = _threat(old_rows.part(here), weight, bias)
    if held is not None:  # by the very weights that are kept
        threat = _threat(held, *fitted)
    room = -float(np.quantile(threat, 1 - _TAKEN))
    wanted = -float(lead.min()) + 1e-3
    shift = min(room, wanted)
    return shift, {
        "n": len(target),
        "recall": float(((best == target) & (lead + shift > 0)).mean()),
        "taken_from_old": float((threat + shift > 0).mean()),
    }


def _threat(rows: _Rows, weight: Floats, bias: Floats) -> Floats:
    """By how much the likeliest new label beats the old ones (m,); below 0 it does not."""
    threat: Floats = (rows.vectors @ weight.T + bias).max(axis=1) - rows.standing[:, 0]
    return threat


def _remembered(
    memory: Memory, rows: _Rows, target: NDArray[np.int_], added: tuple[Floats, Floats]
) -> Memory:
    """The memory with the new labels' means and rows, and what a further label must beat then."""
    weight, bias = added
    means = [
        rows.vectors[target == each].mean(axis=0) @ memory.whitening for each in range(len(bias))
    ]

    def standing(vectors: Floats, before: Floats) -> Floats:
        scores = np.column_stack([before, vectors @ weight.T + bias])
        highest = np.delete(scores, 1, axis=1).max(axis=1)
        total = np.logaddexp.reduce(scores[:, 1:], axis=1)
        return np.column_stack([highest, total]).astype(np.float32)

    every = np.concatenate([memory.rows, rows.vectors]).astype(np.float32)
    return replace(
        memory,
        means=np.concatenate([memory.means, np.stack(means)]).astype(np.float32),
        rows=every,
        owners=np.concatenate([memory.owners, target + len(memory.means)]).astype(np.int32),
        standing=standing(every, np.concatenate([memory.standing, rows.standing])),
        held_standing=standing(memory.held, memory.held_standing),
    )


def _calibration(calibration: Calibration, new: int) -> Calibration:
    """The same for further labels, which have no numbers of their own yet."""
    scaling = calibration.scaling
    if scaling.kind == "vector":
        factors = (*scaling.factors, *[float(np.mean(scaling.factors))] * new)
        scaling = replace(scaling, factors=factors, biases=(*scaling.biases, *[0.0] * new))
    return replace(calibration, scaling=scaling)


def _save(run: RunDir, logits: TextLogits, weight: Floats, bias: Floats, memory: Memory) -> None:
    """Write the added weights after those of an earlier extension, and the memory."""
    if logits.added is not None:
        weight = np.concatenate([logits.added[0], weight])
        bias = np.concatenate([logits.added[1], bias])
    save_file({"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}, run.added)
    memory.save(run.memory)
