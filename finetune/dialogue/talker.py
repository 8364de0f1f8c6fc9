"""A network that writes the next agent turn, in torch: streamed, in batches, and as likelihoods."""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.dialogue import Hidden, fill, hide, hide_in_answer
from data.schema import Situation
from finetune.dialogue.surface import as_written
from finetune.dialogue.text import SYSTEM, fitting_messages, fitting_text

Kind = Literal["writer", "causal"]
BATCH = 16  # situations written or scored side by side
WRITER_BATCH = 64  # the same of an encoder–decoder, whose cost lies in passes, not in rows
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")


class NotWrittenError(Exception):
    """The model wrote nothing that can be sent; `reason` is `empty`, `unfilled` or `timeout`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Talker:
    """Writes with this conversation's values and no others.

    Args:
        network: An encoder–decoder (`writer`) or a causal model of transformers or peft.
        tokenizer: Its own; a causal model's has a chat template.
        kind: Which of the two it is.
        max_tokens: Of a conversation; what is older is cut.
        max_written: Tokens of an answer.
        forms: How words are written (`finetune.dialogue.surface`), where it knows lower case alone.
        system: What a causal model is told first.
        reads_step: Whether it learned from situations with their step; else a step is not read.
    """

    def __init__(
        self,
        network: Any,  # noqa: ANN401
        tokenizer: Any,  # noqa: ANN401
        kind: Kind,
        max_tokens: int,
        max_written: int,
        forms: Mapping[str, str] | None = None,
        system: str = SYSTEM,
        reads_step: bool = False,
    ) -> None:
        self._kind, self._forms, self._system = kind, forms, system
        self._reads_step = reads_step
        self._max_tokens, self._max_written = max_tokens, max_written
        self._tokenizer, self._network = tokenizer, network.eval()
        self._device = next(network.parameters()).device
        tokenizer.truncation_side = "left"
        # A causal model goes on where a text ends; an encoder counts positions from the left.
        tokenizer.padding_side = "left" if kind == "causal" else "right"
        if kind == "causal" and tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._lock = threading.Lock()  # of the network's cache while it writes
        self._settings = self._generation(_with_digits(tokenizer))

    def write(self, situation: Situation, stop_after_s: float = 20.0) -> Iterator[str]:
        """Yield the answer sentence by sentence, while it is written.

        Raises:
            NotWrittenError: If nothing came, a placeholder has no value here, or the time is over
                before a sentence was whole. What was yielded before stands.
        """
        from transformers import TextIteratorStreamer

        start = time.monotonic()
        hidden, inputs = self._inputs([situation])
        streamer = TextIteratorStreamer(
            self._tokenizer, skip_prompt=self._kind == "causal", skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )  # fmt: skip
        stopped = threading.Event()
        worker = threading.Thread(
            target=self._run, args=(inputs, streamer, stop_after_s, stopped), daemon=True
        )
        worker.start()
        waiting, said = "", 0
        try:
            for piece in streamer:
                waiting += piece
                *whole, waiting = _SENTENCE.split(waiting)
                for sentence in whole:
                    yield self._filled(sentence, hidden[0], said)
                    said += 1
            late = time.monotonic() - start > stop_after_s
            if waiting.strip() and not late:
                yield self._filled(waiting, hidden[0], said)
                said += 1
            elif late:
                raise NotWrittenError("timeout")
            if not said:
                raise NotWrittenError("empty")
        finally:  # whoever stops listening stops the writing
            stopped.set()
            worker.join()

    def write_all(self, situations: Sequence[Situation]) -> list[str]:
        """A whole answer for each; an empty one where nothing can be sent."""
        import torch

        answers: list[str] = [""] * len(situations)
        order = sorted(range(len(situations)), key=lambda at: _chars(situations[at]))
        size = BATCH if self._kind == "causal" else WRITER_BATCH
        for first in range(0, len(order), size):
            places = order[first : first + size]
            hidden, inputs = self._inputs([situations[place] for place in places])
            with self._lock, torch.inference_mode():
                output = self._network.generate(**inputs, **self._settings)
            if self._kind == "causal":
                output = output[:, inputs["input_ids"].shape[1] :]
            texts = self._tokenizer.batch_decode(
                output, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            for place, text, each in zip(places, texts, hidden, strict=True):
                answers[place] = fill(self._spelled(text), each.values) or ""
        return answers

    def nats(self, situations: Sequence[Situation], answers: Sequence[str]) -> NDArray[np.float64]:
        """The negative log-likelihood and the tokens (n, 2) of each answer.

        Where an answer holds values that nothing shows, both are 0: no text of placeholders is it.
        """
        import torch

        found = np.zeros((len(answers), 2))
        for first in range(0, len(answers), BATCH):
            places = range(first, min(first + BATCH, len(answers)))
            hidden = [hide(situations[place]) for place in places]
            texts = [hide_in_answer(answers[at], each) for at, each in zip(places, hidden,
                                                                        strict=True)]  # fmt: skip
            kept = [(at, text) for at, text in zip(places, texts, strict=True) if text]
            if not kept:
                continue
            with self._lock, torch.inference_mode():
                found[[at for at, _ in kept]] = self._likelihood(
                    [situations[at] for at, _ in kept], [text for _, text in kept]
                )
        return found

    def _likelihood(
        self, situations: Sequence[Situation], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        import torch

        _, inputs = self._inputs(situations)
        targets = self._targets(answers)
        if self._kind == "causal":
            width = inputs["input_ids"].shape[1]
            ids = torch.cat([inputs["input_ids"], targets.clamp(min=0)], dim=1)
            mask = torch.cat([inputs["attention_mask"], (targets >= 0).long()], dim=1)
            logits = self._network(input_ids=ids, attention_mask=mask).logits[:, width - 1 : -1]
        else:
            start = self._network.config.decoder_start_token_id
            before = targets.clamp(min=0).roll(1, dims=1)
            before[:, 0] = start
            logits = self._network(**inputs, decoder_input_ids=before, use_cache=False).logits
        losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2).float(), targets, ignore_index=-100, reduction="none"
        )
        counts = (targets >= 0).sum(1)
        return torch.stack([losses.sum(1), counts.float()], dim=1).double().cpu().numpy()

    def _targets(self, answers: Sequence[str]) -> Any:  # noqa: ANN401 - a tensor (B, U)
        import torch

        rows = []
        for answer in answers:
            if self._kind == "causal":
                ids = self._tokenizer(answer, add_special_tokens=False)["input_ids"]
                ids = [*ids[: self._max_written - 1], self._tokenizer.eos_token_id]
            else:
                self._tokenizer.truncation_side = "right"
                ids = self._tokenizer(answer, truncation=True, max_length=self._max_written)
                self._tokenizer.truncation_side = "left"
                ids = ids["input_ids"]
                start = self._network.config.decoder_start_token_id
                ids = ids[1:] if ids[0] == start else ids
            rows.append(torch.tensor(ids))
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
        return padded.to(self._device)

    def _inputs(self, situations: Sequence[Situation]) -> tuple[list[Hidden], dict[str, Any]]:
        """What the network reads, and the values that it does not."""
        if not self._reads_step:
            situations = [replace(each, step=None) for each in situations]
        if self._kind == "causal":
            pairs = [
                fitting_messages(each, self._tokenizer, self._max_tokens, self._system)
                for each in situations
            ]
            hidden = [each for _, each in pairs]
            texts = [
                self._tokenizer.apply_chat_template(
                    messages, add_generation_prompt=True, tokenize=False
                )
                for messages, _ in pairs
            ]
            rows = self._tokenizer(texts, add_special_tokens=False)
        else:
            hidden = [hide(each) for each in situations]
            rows = self._tokenizer(
                [fitting_text(each, self._tokenizer, self._max_tokens) for each in hidden],
                truncation=True,
                max_length=self._max_tokens,
            )
        batch = self._tokenizer.pad({"input_ids": rows["input_ids"]}, return_tensors="pt")
        kept = {name: batch[name].to(self._device) for name in ("input_ids", "attention_mask")}
        return hidden, kept

    def _generation(self, digits: list[int]) -> dict[str, Any]:
        """How it writes; no token with a digit, because numbers come from the values alone."""
        settings: dict[str, Any] = {"max_new_tokens": self._max_written, "do_sample": False}
        if digits:
            settings["suppress_tokens"] = digits
        if self._kind == "causal":
            settings["pad_token_id"] = self._tokenizer.pad_token_id
            settings["eos_token_id"] = self._tokenizer.eos_token_id
        return settings

    def _run(
        self,
        inputs: dict[str, Any],
        streamer: Any,  # noqa: ANN401 - a transformers streamer
        seconds: float,
        stopped: threading.Event,
    ) -> None:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Stopped(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ANN401
                return torch.full((input_ids.shape[0],), stopped.is_set(), device=input_ids.device)

        settings = {**self._settings, "num_beams": 1, "max_time": seconds}
        try:
            with self._lock, torch.inference_mode():
                self._network.generate(
                    **inputs,
                    **settings,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([Stopped()]),
                )
        finally:
            streamer.end()  # an error here must not leave the reader waiting

    def _filled(self, sentence: str, hidden: Hidden, said: int) -> str:
        filled = fill(self._spelled(sentence), hidden.values)
        if filled is None:
            raise NotWrittenError("unfilled")
        return f" {filled}" if said else filled

    def _spelled(self, text: str) -> str:
        text = text.strip()
        return text if self._forms is None else as_written(text, self._forms)


def _chars(situation: Situation) -> int:
    """About how long a situation is: those of like length need little padding."""
    texts = [*(turn.text for turn in situation.turns), *situation.facts.values()]
    return sum(map(len, texts)) + sum(len(each.text) for each in situation.passages)


def _with_digits(tokenizer: Any) -> list[int]:  # noqa: ANN401 - a transformers tokenizer
    special = set(tokenizer.all_special_ids)
    return [
        number
        for token, number in tokenizer.get_vocab().items()
        if number not in special and any(char.isdigit() for char in token)
    ]
