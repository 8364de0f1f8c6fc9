"""A network that writes one text for another: any encoder–decoder, or an encoder on both sides."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    EncoderDecoderModel,
    GenerationConfig,
)

from data.encoders import EncoderSource
from data.errors import ConfigError
from finetune.config import TrainConfig, WriterConfig
from finetune.encoder import load_encoder
from finetune.run_dir import RunDir
from finetune.tags import IGNORE
from finetune.trainable import prepare


class WriterNet(nn.Module):
    """Logits (B, U, V) of each next token of the targets.

    `factors` are those on the rates of parameters, by id.
    """

    network: Any  # a transformers or peft model

    def __init__(
        self, network: nn.Module, smoothing: float, factors: dict[int, float] | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.factors = factors or {}
        self._smoothing = smoothing

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        decoder_input_ids: Tensor,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits from token ids and mask (B, T), and from the targets so far (B, U).

        With the loss where labels (B, U) are given. It is computed here: an EncoderDecoderModel
        warns of its own, and the others do not smooth.
        """
        logits: Tensor = self.network(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            use_cache=False,
        ).logits
        if labels is None:
            return {"logits": logits}
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1),
            labels.flatten(),
            ignore_index=IGNORE,
            label_smoothing=self._smoothing,
        )
        return {"loss": loss, "logits": logits}


def load_writer(source: EncoderSource, config: TrainConfig) -> tuple[WriterNet, Any]:
    """The network with what the method trains left trainable, and its tokenizer.

    Raises:
        ConfigError: If the encoder cannot be a decoder, or reads or writes fewer tokens than asked.
    """
    path, dropout, writer = str(source.path), config.optim.dropout, config.writer
    settings = AutoConfig.from_pretrained(path)
    new: list[nn.Parameter] = []
    if settings.is_encoder_decoder:
        _drop(settings, dropout)
        network = AutoModelForSeq2SeqLM.from_pretrained(path, config=settings, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(path)
    else:
        network, tokenizer, new = _warm_started(source, dropout, writer.tie)
    _check_lengths(network, config)
    prepared = prepare(network, config)
    for parameter in new:  # random numbers that nothing trains would be noise
        parameter.requires_grad_(True)
    factors = {id(parameter): writer.new_rate for parameter in new}
    return WriterNet(prepared, config.optim.label_smoothing, factors), tokenizer


def _warm_started(
    source: EncoderSource, dropout: float | None, tie: bool
) -> tuple[EncoderDecoderModel, Any, list[nn.Parameter]]:
    """The encoder on both sides, its tokenizer, and the parameters that it has no values for.

    Those are the attention from one side to the other and what stands before the table of words.

    Source: Rothe et al. 2020, https://aclanthology.org/2020.tacl-1.18
    """
    encoder, tokenizer = load_encoder(source, dropout)
    path = str(source.path)
    settings = AutoConfig.from_pretrained(path, is_decoder=True, add_cross_attention=True)
    _drop(settings, dropout)
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    why = f"encoder {source.name}: a {settings.model_type} cannot be the decoder beside it"
    try:
        decoder, loaded = AutoModelForCausalLM.from_pretrained(
            path, config=settings, dtype=torch.float32, output_loading_info=True
        )
    except ValueError as error:
        raise ConfigError(f"{why}; name a BERT, a RoBERTa or an encoder–decoder") from error
    missing = set(loaded["missing_keys"])
    if not any("crossattention" in name for name in missing) or None in (start, end):
        raise ConfigError(f"{why}; name a BERT, a RoBERTa or an encoder–decoder")
    network = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    if tie:
        decoder.set_input_embeddings(encoder.get_input_embeddings())
        decoder.get_output_embeddings().weight = encoder.get_input_embeddings().weight
    for owner in (network.config, network.generation_config):
        owner.decoder_start_token_id, owner.eos_token_id = start, end
        owner.pad_token_id = tokenizer.pad_token_id
    # Adapters ask the whole for what only its halves know.
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"):
        setattr(network.config, name, getattr(settings, name))
    words = {id(decoder.get_input_embeddings().weight), id(decoder.get_output_embeddings().weight)}
    new = [
        parameter
        for name, parameter in decoder.named_parameters()
        if name in missing and id(parameter) not in words
    ]
    return network, tokenizer, new


def _drop(settings: Any, dropout: float | None) -> None:  # noqa: ANN401 - a model's config
    """Set the dropout of its layers, by the names that BERT, BART and T5 have for it."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "dropout_rate"):
        if dropout is not None and hasattr(settings, name):
            setattr(settings, name, dropout)


def _check_lengths(network: Any, config: TrainConfig) -> None:  # noqa: ANN401 - a transformers model
    sides = [getattr(network.config, name, network.config) for name in ("encoder", "decoder")]
    asked = {"max_tokens": config.max_tokens,
             f"{config.task}.max_target_tokens": config.writer.max_target_tokens + 1}  # fmt: skip
    for (name, tokens), side in zip(asked.items(), sides, strict=True):
        most = getattr(side, "max_position_embeddings", None) or tokens
        if tokens > most:
            raise ConfigError(
                f"{name}: {config.encoder} holds {most} tokens, {tokens} were asked for; lower it"
            )


def target_ids(
    texts: Sequence[str],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    start: int,
    most: int,
) -> list[list[int]]:
    """Token ids of texts to write, at most `most`, the end among them; a long one's rest is cut.

    The token that writing starts with is given to the network, not written by it.
    """
    side, tokenizer.truncation_side = tokenizer.truncation_side, "right"
    rows = tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]
    tokenizer.truncation_side = side  # what is read may be cut on the left
    return [ids[1:] if ids[0] == start else ids for ids in rows]


def collate(
    rows: list[dict[str, Any]],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    start: int,
) -> dict[str, Tensor]:
    """Pad both sides to their longest row; the targets so far are the labels, one place later."""
    batch = tokenizer.pad({"input_ids": [row["input_ids"] for row in rows]}, return_tensors="pt")
    labels = pad_sequence(
        [torch.tensor(row["labels"]) for row in rows], batch_first=True, padding_value=IGNORE
    )
    before = labels.roll(1, dims=1)
    before[:, 0] = start
    return {
        "input_ids": batch["input_ids"],
        "attention_mask": batch["attention_mask"],
        "decoder_input_ids": before.masked_fill(before == IGNORE, tokenizer.pad_token_id),
        "labels": labels,
    }


def save_writer(net: WriterNet, settings: WriterConfig, run: RunDir) -> None:
    """Write the network, adapters merged in, with its hash; those that cannot be, beside it."""
    network = net.network
    if hasattr(network, "peft_config"):
        if network.active_peft_config.is_prompt_learning:
            network.save_pretrained(str(run.adapter))
            network = network.get_base_model()
        else:
            network = network.merge_and_unload()
    words = getattr(network, "decoder", None)
    if isinstance(network, EncoderDecoderModel) and words is not None:
        # The library reads both sides by themselves: the decoder's table is a copy in the file.
        copy = words.get_input_embeddings().weight.detach().clone()
        rows, width = copy.shape
        table = nn.Embedding(rows, width, padding_idx=words.config.pad_token_id)
        table.weight.data = copy
        words.set_input_embeddings(table)
        words.get_output_embeddings().weight = table.weight
    network.generation_config = _generation(network.generation_config, settings)
    network.save_pretrained(str(run.network))


def _generation(own: GenerationConfig, settings: WriterConfig) -> GenerationConfig:
    """How it writes: the model's own tokens, our lengths; a model's own lengths suit its data."""
    names = ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id",
             "forced_bos_token_id")  # fmt: skip
    tokens = {name: getattr(own, name, None) for name in names}
    return GenerationConfig(
        **{name: value for name, value in tokens.items() if value is not None},
        max_new_tokens=settings.max_target_tokens,
        num_beams=settings.beams,
        early_stopping=settings.beams > 1,
        no_repeat_ngram_size=settings.no_repeat,
        do_sample=False,
    )
