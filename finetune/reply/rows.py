"""What reply models learn from: trusted pairs, and answers that are close but wrong."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import datasets
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives

from data.errors import LogFormatError
from data.schema import Example
from finetune.config import TrainConfig

_FEWEST = 50  # pairs from which wrong answers are mined


def trusted_pairs(examples: Sequence[Example], config: TrainConfig) -> datasets.Dataset:
    """The most trusted pairs, no answer more often than it teaches something.

    Raises:
        LogFormatError: If fewer than two are left.
    """
    trusted = [
        e for e in examples if e.weight >= config.reply.min_weight and len(e.answer or "") > 3
    ]
    if len(trusted) < 2:
        raise LogFormatError(
            f"{examples[0].where}: fewer than two answers can be learned from; "
            "more conversations are needed"
        )
    seen: dict[str, int] = defaultdict(int)
    kept = []
    for example in sorted(trusted, key=lambda e: -e.weight):
        seen[example.answer or ""] += 1
        if seen[example.answer or ""] <= 3:
            kept.append(example)
    return pair_rows(kept[: config.reply.max_pairs])


def pair_rows(examples: Sequence[Example]) -> datasets.Dataset:
    """Contexts and answers as the columns `anchor` and `positive`."""
    return datasets.Dataset.from_dict(
        {"anchor": [e.text for e in examples], "positive": [e.answer or "" for e in examples]}
    )


def mines(rows: datasets.Dataset, config: TrainConfig) -> bool:
    """Whether `with_negatives` would mine any."""
    return config.reply.hard_negatives > 0 and len(rows) >= _FEWEST


def with_negatives(
    rows: datasets.Dataset, model: SentenceTransformer, config: TrainConfig
) -> datasets.Dataset:
    """Columns of wrong answers that the untuned encoder finds close to the context.

    The very closest are left out, and any that is nearly as close as the right one: they are often
    right too.
    """
    if not mines(rows, config):
        return rows
    datasets.disable_progress_bars()
    with _bars_on_terminals(model):
        mined = mine_hard_negatives(
            rows, model, num_negatives=config.reply.hard_negatives, range_min=10, range_max=60,
            max_score=0.85, sampling_strategy="random", output_format="n-tuple", batch_size=64,
            verbose=False,
        )  # fmt: skip
    return mined if len(mined) >= len(rows) // 2 else rows


@contextmanager
def _bars_on_terminals(model: SentenceTransformer) -> Iterator[None]:
    """The library draws its bars into log files too; here only where somebody looks on."""
    encode = model.encode
    shown = {"show_progress_bar": sys.stderr.isatty()}
    model.encode = lambda *texts, **options: encode(*texts, **{**options, **shown})
    try:
        yield
    finally:
        del model.encode  # its class has it
