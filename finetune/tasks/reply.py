"""Reply ranking: a bi-encoder tuned on (conversation so far → the agent's answer).

Source: in-batch negatives, Henderson et al. 2017, arXiv:1705.00652; the loss and the mining of hard
negatives are sentence-transformers'.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import mine_hard_negatives
from torch import nn

from data.encoders import Encoder, resolve_encoder
from data.errors import LogFormatError
from data.schema import Example
from finetune.config import TrainConfig
from finetune.encoder import (
    Pooled,
    base_of,
    device_name,
    export_onnx,
    load_encoder,
    save_encoder,
    save_tokenizer,
    token_inputs,
)
from finetune.loop import arguments, callbacks, trained
from finetune.metrics import ranking_metrics
from finetune.reading import Splits, conversation_of, read_replies
from finetune.reply_model import ReplyModel
from finetune.run_dir import RunDir, write_json
from finetune.serving import shared_encoder
from finetune.task import Before, Scored, Scorer, Trains
from finetune.tuning import optimizer_of, prepare

DRAWS = 1000
CANDIDATES = 10


class _ReplyTuner(SentenceTransformerTrainer):  # type: ignore[misc]
    """The library's trainer with this config's optimizer."""

    def __init__(self, config: TrainConfig, **settings: Any) -> None:  # noqa: ANN401 - the library's
        self.tuning = config
        self.optimizer: Any = None
        super().__init__(**settings)

    def create_optimizer(self, model: nn.Module | None = None) -> Any:  # noqa: ANN401 - as the parent
        """See transformers.Trainer."""
        if self.optimizer is None:
            self.optimizer = optimizer_of(model or self.model, self.tuning)
        return self.optimizer


class ReplyTask:
    """See Task."""

    best_metric = "recall_at_1_of_10"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_replies(path)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        source = resolve_encoder(config.encoder)
        torch.manual_seed(config.seed)
        model = SentenceTransformer(str(source.path), device=device_name())
        model.max_seq_length = config.max_tokens
        rows = _pairs(splits.train, config)
        rows = _with_negatives(rows, model, config)
        transformer = model[0]
        transformer.model, _ = load_encoder(source, config.optim.dropout, config.method == "qlora")
        transformer.model = prepare(transformer.model, config)
        loss = MultipleNegativesRankingLoss(model, scale=1 / config.reply.temperature)
        return _ReplyTuner(
            config,
            model=model,
            args=arguments(
                config, run.checkpoints, len(rows), SentenceTransformerTrainingArguments,
                batch_sampler="no_duplicates",
            ),
            train_dataset=rows,
            eval_dataset=_dataset(splits.validation) if config.optim.patience else None,
            loss=loss,
            callbacks=callbacks(config, transformer.model),
        )  # fmt: skip

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        run.weights.mkdir(parents=True, exist_ok=True)
        write_json(run.base, base_of(resolve_encoder(config.encoder)))
        write_json(run.labels, [])
        write_json(run.calibration, {"fitted_on": "nothing: scores are cosines"})
        transformer = trained(trainer)[0]
        tokenizer = transformer.processor
        for folder in (run.tokenizer, run.weights):  # beside the weights: the run is an encoder
            save_tokenizer(tokenizer, folder)
        encoder = save_encoder(transformer.model, run.weights, resolve_encoder(config.encoder))
        export_onnx(Pooled(encoder), token_inputs(tokenizer), run.model)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the untuned encoder, and chance."""
        encoder = shared_encoder(config.encoder, threads=config.threads)

        def untuned(examples: list[Example]) -> Scored:
            return score_ranking(encoder, examples, config.seed)

        def chance(examples: list[Example]) -> Scored:
            places = np.arange(DRAWS) % CANDIDATES + 1
            return Scored(ranking_metrics(list(places)))

        return Before(untuned, chance)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = ReplyModel(run, config.threads)
        return lambda examples: score_ranking(model.encoder, examples, config.seed)

    def findings(
        self,
        run: Path,
        config: TrainConfig,
        splits: Splits,
        examples: list[Example],
        scored: Scored,
        vectors: NDArray[np.float32] | None,
    ) -> Mapping[str, Any]:
        """See Task: nothing beyond the scores."""
        return {}


def score_ranking(encoder: Encoder, examples: Sequence[Example], seed: int) -> Scored:
    """The true answer against nine answers of other conversations, DRAWS times.

    Where rows have a group that others share (a brand), `recall_at_1_of_10_same_group` draws the
    nine from that group.

    Raises:
        LogFormatError: If there are fewer than ten different answers, or no row has nine rivals.
    """
    answers = [example.answer or "" for example in examples]
    where = examples[0].where if examples else "evaluation"
    if len(set(answers)) < CANDIDATES:
        raise LogFormatError(
            f"{where}: ranking needs at least {CANDIDATES} different answers, "
            f"found {len(set(answers))}"
        )
    context_vectors = encoder.encode([example.text for example in examples])
    answer_vectors = encoder.encode(answers)
    generator = np.random.default_rng(seed)
    asked = generator.integers(0, len(examples), DRAWS)
    conversations = np.array([conversation_of(example) for example in examples])
    ranks, errors = _ranks(
        asked, context_vectors, answer_vectors, conversations, None, examples, generator
    )
    if not ranks:
        raise LogFormatError(
            f"{where}: ranking needs {CANDIDATES - 1} answers of other conversations; add some"
        )
    metrics = ranking_metrics(ranks)
    groups = np.array([example.group or "" for example in examples])
    if len(set(groups)) < len(set(conversations)):
        same, _ = _ranks(
            asked, context_vectors, answer_vectors, conversations, groups, examples, generator
        )
        if same:
            metrics["recall_at_1_of_10_same_group"] = ranking_metrics(same)["recall_at_1_of_10"]
    return Scored(metrics, errors)


def _ranks(
    asked: NDArray[np.int_],
    contexts: NDArray[np.float32],
    answers: NDArray[np.float32],
    conversations: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    examples: Sequence[Example],
    generator: np.random.Generator,
) -> tuple[list[int], list[dict[str, Any]]]:
    """The right answer's place, 1 to 10, of each draw with nine rivals, and the rows not first."""
    pools: dict[int, NDArray[np.int_]] = {}
    ranks: list[int] = []
    errors: dict[int, dict[str, Any]] = {}
    texts = np.array([example.answer or "" for example in examples])
    for row in map(int, asked):
        if row not in pools:
            others = (conversations != conversations[row]) & (texts != texts[row])
            if groups is not None:
                others &= groups == groups[row]
            pools[row] = np.flatnonzero(others)
        if len(pools[row]) < CANDIDATES - 1:
            continue
        rivals = generator.choice(pools[row], CANDIDATES - 1, replace=False)
        scores = answers[rivals] @ contexts[row]
        own = float(answers[row] @ contexts[row])
        ranks.append(1 + int((scores >= own).sum()))
        if ranks[-1] > 1:
            example, rival = examples[row], examples[int(rivals[scores.argmax()])]
            errors[row] = {
                "text": example.text,
                "answer": example.answer,
                "ranked_first": rival.answer,
                "where": example.where,
            }
    return ranks, list(errors.values())


def _pairs(examples: Sequence[Example], config: TrainConfig) -> datasets.Dataset:
    """The most trusted pairs, no context or answer twice more than it teaches something."""
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
    return _dataset(kept[: config.reply.max_pairs])


def _dataset(examples: Sequence[Example]) -> datasets.Dataset:
    return datasets.Dataset.from_dict(
        {"anchor": [e.text for e in examples], "positive": [e.answer or "" for e in examples]}
    )


def _with_negatives(
    rows: datasets.Dataset, model: SentenceTransformer, config: TrainConfig
) -> datasets.Dataset:
    """A column of wrong answers that the untuned encoder finds close to the context.

    The very closest are left out, and any that is nearly as close as the right one: they are often
    right too.
    """
    wanted = config.reply.hard_negatives
    if wanted == 0 or len(rows) < 50:
        return rows
    datasets.disable_progress_bars()
    mined = mine_hard_negatives(
        rows, model, num_negatives=wanted, range_min=10, range_max=60, max_score=0.85,
        sampling_strategy="random", output_format="n-tuple", batch_size=64, verbose=False,
    )  # fmt: skip
    return mined if len(mined) >= len(rows) // 2 else rows
