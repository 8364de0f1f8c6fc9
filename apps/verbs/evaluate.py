"""The verb `evaluate`: metrics of a run or an index on a labelled file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from apps.pages import check_page, write_page
from apps.verbs.options import THREADS, AsJson, LabelColumn, TextColumn, columns_named, say
from data.errors import ConfigError


def evaluate(
    run: Annotated[Path, typer.Argument(help="a run or an index")],
    data: Annotated[Path, typer.Option("--data", help="labelled file")],
    report: Annotated[
        Path | None, typer.Option("--report", help="of an index: an HTML page, too")
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    as_json: AsJson = False,
) -> None:
    """Metrics of a run or an index on a labelled file."""
    metrics = evaluate_path(run, data, report, columns_named(text_column, label_column))
    say(metrics, as_json, "\n".join(f"{key}: {value}" for key, value in metrics.items()))


def evaluate_path(
    path: Path, data: Path, report: Path | None = None, columns: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Metrics of a run, or of an index, on labelled rows; an index's `report` as a page, too.

    `columns` are settings of a run that name others than it was trained on.

    Raises:
        DeskhandError: If the path is neither, or the rows do not fit it.
    """
    from retrieval.manifest import MANIFEST

    check_page(report)
    if (path / MANIFEST).exists():
        if columns:
            raise ConfigError(f"{path}: an index is measured by questions; name no columns")
        return _of_index(path, data, report)
    if report is not None:
        raise ConfigError(f"--report {report}: of an index only; a run has its report.html")
    return _of_run(path, data, columns or {})


def _of_index(path: Path, data: Path, report: Path | None) -> dict[str, float]:
    from apps.build import opened_encoder
    from retrieval.evaluate import measure
    from retrieval.index import open_index
    from retrieval.manifest import read_manifest
    from retrieval.questions import read_questions

    index = open_index(path, opened_encoder(read_manifest(path).encoder, THREADS))
    questions = read_questions(data)
    measured = measure(index, questions)
    if report is not None:
        from apps.verbs.index_report import index_report

        write_page(report, index_report(path.name, index.manifest, questions, measured))
    return {key: round(value, 5) for key, value in measured.metrics.items()}


def _of_run(path: Path, data: Path, columns: Mapping[str, str]) -> dict[str, float]:
    from finetune.metrics import rounded
    from finetune.run_dir import RunDir
    from finetune.tasks import TASKS

    run = RunDir(path)
    task = TASKS[run.check()]
    config = run.trained().model_copy(update=dict(columns))
    return rounded(task.scorer(path, config)(task.read(data, config)).metrics)
