"""The verb `predict`: what a model says of texts."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.verbs.options import THREADS, AsJson, in_utf8
from data.errors import ConfigError, LogFormatError, RunDirError

if TYPE_CHECKING:
    from data.rows import Row
    from data.schema import Situation, Turn


def predict(
    run: Annotated[Path, typer.Argument(help="a run")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="texts (qa: a question and a passage); none: --input or standard input",
            callback=in_utf8,
        ),
    ] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", help="a text a line, or a table")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="which words drove it")] = False,
    as_json: AsJson = False,
) -> None:
    """What a model says of texts."""
    given = list(texts or ())
    if given and input_ is not None:
        raise ConfigError(f"--input {input_}: texts are given too; give the one or the other")
    rows = (
        explained(run, texts_for(run, given, input_))
        if explain
        else predict_given(run, given, input_)
    )
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else readable(row))


def readable(row: dict[str, Any]) -> str:
    """What a model says of one text, for people."""
    if "words" in row:
        said = {key: value for key, value in row.items() if not key.startswith("words")}
        ranked = sorted(row["words"], key=lambda word: -abs(word[3]))
        why = ", ".join(f"{word} {weight:+.2f}" for word, _, _, weight in ranked)
        return f"{readable(said)}\n  because of: {why or 'no words'}"
    if "intent" in row:
        name = row["intent"] or "out of scope"
        return f"{name} ({row['confidence']:.2f})  {row['text']}"
    if "entities" in row:
        found = ", ".join(f"{e['type']}={e['text']}" for e in row["entities"]) or "no entities"
        return f"{found}  {row['text']}"
    if "head" in row and "label" in row:
        head, tail = (row["text"][row[end]["start"] : row[end]["end"]] for end in ("head", "tail"))
        return f"{head} → {tail}: {row['label']} ({row['confidence']:.2f})  {row['text']}"
    if "question" in row:
        answer = "no answer" if row["answer"] is None else row["answer"]
        return f"{answer} ({row['confidence']:.2f})  {row['question']}"
    if "summary" in row or set(row) == {"text", "answer"}:
        return str(row.get("summary", row.get("answer")))
    return json.dumps(row, ensure_ascii=False)


def read_texts(path: Path | None, column: str = "text") -> list[str]:
    """Texts to predict on: a table's column or its conversations, lines, standard input.

    A table that lacks the column that a run was trained on may have them in `text`.

    Raises:
        LogFormatError: If there is no text.
    """
    from data.rows import SUFFIXES, read_rows, read_text
    from finetune.reading.summaries import source_of

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


def _text_of(row: "Row", column: str) -> str:
    value = row.values[column]
    if value is None or isinstance(value, float | list | dict):  # pandas writes NaN for none
        raise LogFormatError(f"{row.where}: no text in {column!r}; fill or remove the row")
    return str(value)


def predict_given(path: Path, texts: Sequence[str], rows: Path | None) -> Iterator[dict[str, Any]]:
    """A row for each text, or for each row of a file where a run's task needs more than a text.

    Raises:
        DeskhandError: If the path is not a run that predicts, or what is given does not fit it.
    """
    from finetune.run_dir import RunDir

    task = RunDir(path).check()
    if task == "relation":
        from apps.verbs.predict_pairs import predict_relations

        yield from predict_relations(path, texts, rows, THREADS)
    elif task == "qa":
        from apps.verbs.predict_pairs import predict_answers

        yield from predict_answers(path, texts, rows, THREADS)
    else:
        yield from predict_texts(path, texts_for(path, texts, rows))


def texts_for(path: Path, texts: Sequence[str], rows: Path | None) -> list[str]:
    """The texts given, or those of a file, in the form that the run's training saw.

    Raises:
        DeskhandError: If there is no text, or the file's rows do not fit the run.
    """
    from apps.verbs.predict_steps import conversation_texts, first_turns
    from finetune.run_dir import RunDir
    from finetune.run_kind import kind_of

    run = RunDir(path)
    run.check()
    if kind_of(run) != "next action":
        return list(texts) or read_texts(rows, run.trained().text_column)
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
    from finetune.run_dir import RunDir

    task = RunDir(path).check()
    if task not in _PREDICT:
        raise RunDirError(f"{path}: runs of task {task} do not predict")
    yield from _PREDICT[task](path, texts)


def _intents(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    from apps.build import opened_encoder
    from apps.predicted import intent_values
    from finetune.intent.model import IntentModel
    from finetune.run_dir import RunDir
    from finetune.run_kind import kind_of

    if kind_of(RunDir(path)) == "several labels":
        yield from _several(path, texts)
        return
    model = IntentModel(path, lambda name: opened_encoder(name, THREADS), THREADS)
    for text, prediction in zip(texts, model.predict(texts), strict=True):
        yield intent_values(text, prediction)


def _several(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Of a run with several labels a text: those wanted, and the keys of one with the best."""
    from apps.build import opened_encoder
    from finetune.multi_label.model import MultiLabelModel

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
    from apps.predicted import entities_values
    from finetune.ner.model import NerModel

    for text, entities in zip(texts, NerModel(path, THREADS).predict(texts), strict=True):
        yield entities_values(text, entities)


def _ranked(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    from finetune.reply.model import ReplyModel
    from finetune.reply.reranker import RerankerModel
    from finetune.run_dir import RunDir
    from finetune.run_kind import kind_of

    if len(texts) < 2:
        raise ConfigError(
            f"{path}: a reply run ranks answers; give the conversation first, then answers"
        )
    context, *answers = texts
    ranker: ReplyModel | RerankerModel
    if kind_of(RunDir(path)) == "cross_encoder":
        ranker = RerankerModel(path, THREADS)
    else:
        ranker = ReplyModel(path, THREADS)
    for place, score in ranker.rank(context, answers):
        yield {"text": context, "answer": answers[place], "score": round(score, 4)}


def _summaries(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    from apps.build import opened_encoder
    from finetune.run_dir import RunDir
    from finetune.run_kind import kind_of
    from finetune.summary.extractive import ExtractiveModel
    from finetune.summary.model import SummaryModel

    model: SummaryModel | ExtractiveModel
    if kind_of(RunDir(path)) == "extractive":
        model = ExtractiveModel(path, lambda name: opened_encoder(name, THREADS), THREADS)
    else:
        model = SummaryModel(path, THREADS)
    for text, summary in zip(texts, model.write(texts), strict=True):
        yield {"text": text, "summary": summary}


def _written(path: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The next agent turn after each text: a customer's message, or lines `customer: …`.

    A last line `step: …` names the step that the turn is to take.
    """
    from finetune.dialogue.model import DialogueModel

    model = DialogueModel(path, THREADS)
    asked = [_asked(text) for text in texts]
    for text, answer in zip(texts, model.write_all(asked), strict=True):
        yield {"text": text, "answer": answer}


def _asked(text: str) -> "Situation":
    from data.schema import Situation

    *lines, last = text.splitlines() or [""]
    if lines and (step := _STEP.fullmatch(last)):
        return Situation(_turns("\n".join(lines)), step=step[1])
    return Situation(_turns(text))


def _turns(text: str) -> "tuple[Turn, ...]":
    from data.schema import Turn

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
    from finetune.run_dir import RunDir

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
