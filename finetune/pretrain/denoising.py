"""A network that writes a text from the vector of a part of it: what its encoder learns is kept."""

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor, nn

from data.encoders import EncoderSource
from data.errors import ConfigError
from finetune.config import TrainConfig
from finetune.trainable import prepare


class DenoisingNet(nn.Module):
    """sentence-transformers' denoising loss as a network of its own, so that any Trainer takes it.

    Encoder and decoder share what both have; the decoder sees one vector of a text, pooled
    as is the encoder's way.

    Raises:
        ConfigError: If the encoder's architecture cannot decode.

    Source: TSDAE, Wang et al. 2021, https://aclanthology.org/2021.findings-emnlp.59
    """

    def __init__(self, source: EncoderSource, config: TrainConfig) -> None:
        super().__init__()
        settings: dict[str, Any] = {}
        if config.optim.dropout is not None:
            settings = {
                "hidden_dropout_prob": config.optim.dropout,
                "attention_probs_dropout_prob": config.optim.dropout,
            }
        transformer = Transformer(str(source.path), config_kwargs=settings)
        transformer.max_seq_length = config.max_tokens
        pooling = Pooling(transformer.get_embedding_dimension(), source.way.pooling)
        try:
            self.objective = DenoisingAutoEncoderLoss(
                SentenceTransformer(modules=[transformer, pooling], device="cpu")
            )
        except ValueError as error:
            raise ConfigError(
                f"pretrain.objective denoising: {config.encoder} cannot decode; use masked"
            ) from error
        if getattr(transformer.model, "pooler", None) is not None:
            transformer.model.pooler.requires_grad_(False)
        transformer.model = prepare(transformer.model, config)

    @property
    def encoder(self) -> Any:  # noqa: ANN401 - a transformers or peft model
        """The encoder that is tuned."""
        return self.objective.encoder[0].model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """The loss (nats a token) of writing `labels` (B, U) from ids and mask (B, T)."""
        read = {"input_ids": input_ids, "attention_mask": attention_mask}
        loss: Tensor = self.objective([read, {"input_ids": labels}], labels)
        return {"loss": loss}
