"""What the command line does with runs and indexes: evaluate, predict, make an index."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.build import opened_encoder
from apps.pages import check_page, write_page
from apps.predicted import entities_values, intent_values
from apps.verbs.predict_pairs import predict_answers, predict_relations
from apps.verbs.predict_steps import conversation_texts, first_turns, reads_conversations
from data.errors import ConfigError, LogFormatError, RunDirError
from data.rows import SUFFIXES, Row, read_rows, read_text
from data.schema import Situation, Turn
from finetune.dialogue.model import DialogueModel
from finetune.intent.model import IntentModel
from finetune.multi_label.model import MultiLabelModel, is_multi_label
from finetune.ner.model import NerModel
from finetune.reading.summaries import source_of
from finetune.reply.model import ReplyModel
from finetune.reply.reranker import RerankerModel
from finetune.run_dir import RunDir
from finetune.serving import reply_kind
from finetune.summary.extractive import ExtractiveModel, summary_kind
from finetune.summary.model import SummaryModel
from retrieval.evaluate import measure
from retrieval.index import open_index
from retrieval.manifest import MANIFEST, read_manifest
from retrieval.questions import read_questions

THREADS = 2


def evaluate_path(
    path: Path, data: Path, report: Path | None = None, columns: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Metrics of a run, or of an index, on labelled rows; an index's `report` as a page, too.

    `columns` are settings of a run that name others than it was trained on.

    Raises:
        DeskhandError: If the path is neither, or the rows do not fit it.
    """
    check_page(report)
    if (path / MANIFEST).exists():
        if columns:
            raise ConfigError(f"{path}: an index is measured by questions; name no columns")
        index = open_index(path, opened_encoder(read_manifest(path).encoder, THREADS))
        questions = read_questions(data)
        measured = measure(index, questions)
        if report is not None:
            from apps.verbs.index_report import index_report

            page = index_report(path.name, index.manifest, questions, measured)
            write_page(report, page)
        return {key: round(value, 5) for key, value in measured.metrics.items()}
    if report is not None:
        raise ConfigError(f"--report {report}: of an index only; a run has its report.html")
    run = RunDir(path)
    task_name = run.check()
    from finetune.metrics import rounded
    from finetune.tasks import TASKS

    config = run.trained().model_copy(update=dict(columns or {}))
    task = TASKS[task_name]
    return rounded(task.scorer(path, config)(task.read(data, config)).metrics)


def read_texts(path: Path | None, column: str = "text") -> list[str]:
    """Texts to predict on: a table's column or its conversations, lines, standard input.

    A table that lacks the column that a run was trained on may have them in `text`.

    Raises:
        LogFormatError: If there is no text.
    """
    if path is None:
        if sys.stdin.isatty():
            raise ConfigError("no text given; name some, or --input FILE")
        try:
            texts = [line.rstrip("\n") for line in sys.stdin]
        except UnicodeDecodeError as error:
            raise LogFormatError("standard input: not UTF-8; convert it and try again") from error
    elif path.suffix.lower() in SUFFIXES:
        texts = []
        for row in read_rows(path):
            here = column if column in row.values else "text"
            if here not in row.values and "turns" not in row.values:
                raise LogFormatError(
                    f"{row.where}: no column {column!r}; found: {', '.join(row.values)}"
                )
            whole = here not in row.values  # a conversation, read as what a summary is made of
            texts.append(source_of(row) if whole else _text_of(row, here))
    else:
        texts = read_text(path).splitlines()
    if not texts:
        raise LogFormatError(f"{path or 'standard input'}: no text in it")
    return texts


def _text_of(row: Row, column: str) -> str:
    value = row.values[column]
    if value is None or isinstance(value, float | list | dict):  # pandas writes NaN for none
        raise LogFormatError(f"{row.where}: no text in {column!r}; fill or remove the row")
    return str(value)


def predict_given(path: Path, texts: Sequence[str], rows: Path | None) -> Iterator[dict[str, Any]]:
    """A row for each text, or for each row of a file where a run's task needs more than a text.

    Raises:
        DeskhandError: If the path is not a run that predicts, or what is given does not fit it.
    """
    task = RunDir(path).check()
    if task == "relation":
        yield from predict_relations(path, texts, rows, THREADS)
    elif task == "qa":
        yield from predict_answers(path, texts, rows, THREADS)
    else:
        yield from predict_texts(path, texts_for(path, texts, rows))


def texts_for(path: Path, texts: Sequence[str], rows: Path | None) -> list[str]:
    """The texts given, or those of a file, in the form that the run's training saw.

    Raises:
        DeskhandError: If there is no text, or the file's rows do not fit the run.
    """
    if RunDir(path).check() != "intent" or not reads_conversations(path):
        return list(texts) or read_texts(rows, RunDir(path).trained().text_column)
    if not texts and rows is not None:
        found = conversation_texts(rows)
        if found is not None:
            return found
    return first_turns(list(texts) or read_texts(rows))


def predict_texts(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row for each text, with the keys of the command line's contract.

    A reply run reads a first text as the conversation so far and ranks the others.

    Raises:
        RunDirError: If the path is not a run that predicts.
    """
    task = RunDir(path).check()
    if task not in _PREDICT:
        raise RunDirError(f"{path}: runs of task {task} do not predict")
    yield from _PREDICT[task](path, texts)


def _intents(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    if is_multi_label(path):
        yield from _several(path, texts)
        return
    model = IntentModel(path, lambda name: opened_encoder(name, THREADS), THREADS)
    for text, prediction in zip(texts, model.predict(texts), strict=True):
        yield intent_values(text, prediction)


def _several(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Of a run with several labels a text: those wanted, and the keys of one with the best."""
    model = MultiLabelModel(path, lambda name: opened_encoder(name, THREADS), THREADS)
    for text, prediction in zip(texts, model.predict(texts), strict=True):
        wanted = [[name, round(sure, 4)] for name, sure in prediction.intents]
        best = prediction.intents[0] if prediction.intents else prediction.top[0]
        yield {
            "text": text,
            "intent": best[0] if wanted else None,
            "confidence": round(best[1], 4),
            "in_scope": bool(wanted),
            "top": [[name, round(sure, 4)] for name, sure in prediction.top],
            "scope": round(prediction.top[0][1], 4),
            "intents": wanted,
        }


def _entities(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    for text, entities in zip(texts, NerModel(path, THREADS).predict(texts), strict=True):
        yield entities_values(text, entities)


def _ranked(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    if len(texts) < 2:
        raise ConfigError(
            f"{path}: a reply run ranks answers; give the conversation first, then answers"
        )
    context, *answers = texts
    ranker: ReplyModel | RerankerModel
    if reply_kind(RunDir(path)) == "cross_encoder":
        ranker = RerankerModel(path, THREADS)
    else:
        ranker = ReplyModel(path, THREADS)
    for place, score in ranker.rank(context, answers):
        yield {"text": context, "answer": answers[place], "score": round(score, 4)}


def _summaries(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    model: SummaryModel | ExtractiveModel
    if summary_kind(RunDir(path)) == "extractive":
        model = ExtractiveModel(path, lambda name: opened_encoder(name, THREADS), THREADS)
    else:
        model = SummaryModel(path, THREADS)
    for text, summary in zip(texts, model.write(texts), strict=True):
        yield {"text": text, "summary": summary}


def _written(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The next agent turn after each text: a customer's message, or lines `customer: …`.

    A last line `step: …` names the step that the turn is to take.
    """
    model = DialogueModel(path, THREADS)
    asked = [_asked(text) for text in texts]
    for text, answer in zip(texts, model.write_all(asked), strict=True):
        yield {"text": text, "answer": answer}


def _asked(text: str) -> Situation:
    *lines, last = text.splitlines() or [""]
    if lines and (step := _STEP.fullmatch(last)):
        return Situation(_turns("\n".join(lines)), step=step[1])
    return Situation(_turns(text))


def _turns(text: str) -> tuple[Turn, ...]:
    found = [_SAID.match(line) for line in text.splitlines()]
    if not found or not all(found):
        return (Turn("customer", text),)
    return tuple(
        Turn("agent" if each[1] == "agent" else "customer", each[2]) for each in found if each
    )


_SAID = re.compile(r"(customer|agent): (.*)")
_STEP = re.compile(r"step: (.*\S)\s*")
_PREDICT = {
    "intent": _intents,
    "ner": _entities,
    "reply": _ranked,
    "summary": _summaries,
    "dialogue": _written,
}


def explained(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows as `predict_texts`, with `words`: [word, start, end, weight] of each word of the text.

    A weight is what the word gave, in logits, to the best intent or to the entities found;
    `words_model` holds the part of each weight that came from the linear model over words.

    Raises:
        ConfigError: If the run is of a task that has no such explanation.
    """
    run = RunDir(path)
    task = run.check()
    if task not in ("intent", "ner"):
        raise ConfigError(f"{path}: a run of task {task}; --explain tells of intent and ner runs")
    from finetune.explain import Explainer

    explainer = Explainer(run)
    for row in predict_texts(path, texts):
        if task == "intent":
            found = explainer.intent(row["text"], row["top"][0][0])
        else:
            spans = [(each["type"], each["start"], each["end"]) for each in row["entities"]]
            found = explainer.entities(row["text"], spans)
        yield {
            **row,
            "words": [[w.text, w.start, w.end, round(w.weight, 4)] for w in found.words],
            "words_model": [round(w.linear, 4) for w in found.words],
        }


def extend_run(
    run: Path, data: Path, out: Path, columns: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Write a run with the new intents of a labelled file; what was added, and how well.

    `columns` are settings that name others than the run was trained on.

    Raises:
        DeskhandError: If the run or the rows are not what is needed.
    """
    from finetune.intent.extend import extend

    done = extend(run, data, out, lambda name: opened_encoder(name, THREADS), THREADS, columns)
    return {
        "run": str(out),
        "added": done.added,
        "held_out": done.metrics,
        "seconds": done.seconds,
    }
