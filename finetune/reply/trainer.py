"""The trainer of both kinds of reply models: batches in which no answer stands twice."""

from typing import Any

import datasets

from finetune.arguments import arguments, callbacks
from finetune.config import TrainConfig
from finetune.reading import Splits
from finetune.reply.rows import pair_rows
from finetune.run_dir import RunDir
from finetune.task import Trains
from finetune.trainable import optimizer_of


def ranking_trainer(
    kind: type,
    settings: type,
    loss: Any,  # noqa: ANN401 - a loss of sentence-transformers
    rows: datasets.Dataset,
    config: TrainConfig,
    splits: Splits,
    run: RunDir,
) -> Trains:
    """What trains the model of that loss, whose first module holds the encoder; see Task.

    Args:
        kind: The library's trainer of such a model.
        settings: The arguments that it takes.
        loss: Over the model.
        rows: What it is trained on.
        config: The run's config.
        splits: Its validation rows are watched.
        run: Where checkpoints go.
    """
    model = loss.model
    given = arguments(config, run.checkpoints, len(rows), settings, batch_sampler="no_duplicates")
    trainer: Trains = kind(
        model=model,
        args=given,
        train_dataset=rows,
        eval_dataset=pair_rows(splits.validation),
        loss=loss,
        callbacks=callbacks(config, model[0].model),
        optimizers=(optimizer_of(model, config), None),
    )
    return trainer
