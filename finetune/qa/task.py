"""Extractive question answering: the span of a passage that answers, or that none does.

Source: Devlin et al. 2019, https://aclanthology.org/N19-1423; Rajpurkar et al. 2018,
https://aclanthology.org/P18-2124
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from data.encoders import Encoder, resolve_encoder
from data.errors import LogFormatError
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.encoder import base_of, export_onnx, load_encoder
from finetune.frames import bare
from finetune.qa.model import QaModel, SpanGraph
from finetune.qa.negatives import other_passages
from finetune.qa.net import QaNet, collate, while_training
from finetune.qa.scores import fit_qa, score_answers
from finetune.qa.windows import Window, Windows
from finetune.reading import Splits, read_questions_on_passages
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights, save_encoder_and_head
from finetune.serving import shared_encoder
from finetune.task import Before, Scored, Scorer, Trains, no_findings
from finetune.trainable import Tuner, prepare

_SENTENCE = re.compile(r"[^\n.!?。！？]*(?:[.!?](?!\s)[^\n.!?。！？]*)*[.!?。！？]*")


class QaTask:
    """See Task."""

    best_metric = "f1"
    findings = staticmethod(no_findings)

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_questions_on_passages(path)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        source = resolve_encoder(config.encoder)
        encoder, tokenizer = load_encoder(source, config.optim.dropout, config.method == "qlora")
        width = encoder.config.hidden_size
        encoder = prepare(encoder, config)
        rows = _window_rows(_with_negatives(splits.train, config), bare(tokenizer), config)
        if not any(row["label"] != (0, 0) for row in rows):
            raise LogFormatError(
                f"{splits.train[0].where}: no training question has an answer that fits into a "
                f"window of {config.max_tokens} tokens; add some or raise max_tokens"
            )
        return Tuner(
            config,
            model=QaNet(encoder, width, config.optim.label_smoothing),
            args=arguments(config, run.checkpoints, len(rows), **BY_LENGTH),
            train_dataset=Rows(rows),
            eval_dataset=Rows(
                _window_rows(_with_negatives(splits.validation, config), bare(tokenizer), config)
            ),
            data_collator=collate,
            compute_metrics=while_training,
            callbacks=callbacks(config, encoder),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        source = resolve_encoder(config.encoder)
        _, tokenizer = load_encoder(source)
        begin_weights(run, base_of(source), [], tokenizer)
        net = trained(trainer)
        save_encoder_and_head(net, run, source)
        cut = Windows(bare(tokenizer), 64, 0).cut
        windows = [*cut("where", "it is here"), *cut("who has it now", "a longer text than that")]
        export_onnx(net, collate([_inputs(window) for window in windows]), run.model)
        held_out, rows = splits.validation, "validation"
        if all(example.spans for example in held_out):
            made = _with_negatives(held_out, config)
            rows = f"validation and {len(made) - len(held_out)} of its questions on other passages"
            held_out = made
        graph = SpanGraph(
            run, config.max_tokens, config.qa.stride, config.qa.max_answer_tokens, config.threads
        )
        calibration = fit_qa(held_out, graph.find(_asked(held_out)), rows)
        write_json(run.calibration, calibration.to_dict())

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the sentence nearest to the question by the untuned encoder, and the first."""
        encoder = shared_encoder(config.encoder, threads=config.threads)

        def nearest(examples: list[Example]) -> Scored:
            return score_answers(examples, _nearest(encoder, examples))

        def first(examples: list[Example]) -> Scored:
            return score_answers(examples, [sentences(row.passage or "")[0] for row in examples])

        return Before(nearest, first)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = QaModel(run, config.threads)

        def score(examples: list[Example]) -> Scored:
            found = model.answers(_asked(examples))
            return score_answers(
                examples, [each.text for each in found], [each.confidence for each in found]
            )

        return score


def sentences(passage: str) -> list[str]:
    """The passage's sentences in order: at least one, also of a passage without any."""
    found = [match.group().strip() for match in _SENTENCE.finditer(passage)]
    return [each for each in found if each] or [passage.strip()]


def _nearest(encoder: Encoder, examples: Sequence[Example]) -> list[str]:
    """Of each passage the sentence with the highest cosine to the question."""
    pieces = {row.passage: sentences(row.passage or "") for row in examples}
    flat = list(dict.fromkeys(piece for each in pieces.values() for piece in each))
    places = {piece: place for place, piece in enumerate(flat)}
    vectors = encoder.encode(flat)
    asked = encoder.encode([row.text for row in examples])
    said = []
    for row, vector in zip(examples, asked, strict=True):
        own = pieces[row.passage]
        said.append(own[int((vectors[[places[piece] for piece in own]] @ vector).argmax())])
    return said


def _asked(examples: Sequence[Example]) -> list[tuple[str, str]]:
    return [(example.text, example.passage or "") for example in examples]


def _with_negatives(examples: Sequence[Example], config: TrainConfig) -> list[Example]:
    return [*examples, *other_passages(examples, config.qa.negatives, config.seed)]


def _window_rows(
    examples: Sequence[Example], tokenizer: Tokenizer, config: TrainConfig
) -> list[dict[str, Any]]:
    """Each window with the first and last token of the answer in it, (0, 0) where there is none."""
    windows = Windows(tokenizer, config.max_tokens, config.qa.stride)
    return [
        {**_inputs(window), "label": answer_tokens(window, example.spans)}
        for example in examples
        for window in windows.cut(example.text, example.passage or "")
    ]


def _inputs(window: Window) -> dict[str, Any]:
    return {"input_ids": window.ids, "segments": window.segments}


def answer_tokens(window: Window, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """First and last token of the first span that lies in the window as a whole, else (0, 0)."""
    inside = [place for place, kind in enumerate(window.segments) if kind]
    low, high = window.offsets[inside[0]][0], window.offsets[inside[-1]][1]
    for start, end in spans:
        tokens = [
            place for place in inside
            if window.offsets[place][0] < end and window.offsets[place][1] > start
        ]  # fmt: skip
        if tokens and low <= start and end <= high:
            return tokens[0], tokens[-1]
    return 0, 0
