"""Where answers are written, and within what limits. No secret stands in a config."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from data.config import Config

Mode = Literal["select", "generate", "auto"]


class EndpointConfig(Config):
    """A server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp and others."""

    url: str = Field(description="up to /v1, such as http://127.0.0.1:8000/v1")
    model: str = Field(min_length=1, description="the server's name of it")
    key_env: str | None = Field(None, description="environment variable that holds the key")
    timeout_s: float = Field(20.0, gt=0, description="longest wait for the next bytes")
    max_tokens: int = Field(400, ge=1, description="of one answer")
    limit_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the server calls that limit"
    )
    temperature: float = Field(0.2, ge=0, le=2)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        """Checks both at the whole, so that no error quotes a secret that was pasted here."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must begin with http:// or https:// and name a host")
        if parts.username or parts.password or parts.query:
            raise ValueError("url must not hold a name, a password or a query; use key_env")
        if self.key_env is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", self.key_env):
            raise ValueError("key_env is the NAME of an environment variable, not the key itself")
        return self


class PromptConfig(Config):
    """How much of a situation is written to the model, in characters, or tokens of `tokenizer`."""

    role: str = Field("You are a support agent of this company.", description="who writes")
    tokenizer: Path | None = Field(None, description="a tokenizer.json; then sizes are tokens")
    history: int = Field(6000, ge=1, description="the end of the conversation")
    passages: int = Field(6000, ge=0, description="all passages")
    passage: int = Field(2000, ge=0, description="one passage")
    facts: int = Field(1500, ge=0, description="all facts")


class EntailmentConfig(Config):
    """A model that the guard asks about each written sentence, beside its rules."""

    model: str = Field(min_length=1, description="a folder, or a name on the Hugging Face hub")
    threshold: float = Field(
        0.5, ge=0, le=1, description="how sure it must be that a sentence follows"
    )
    max_tokens: int = Field(512, ge=16, description="of a passage with a sentence")


class GenerateConfig(Config):
    """Written answers: by a run or by an endpoint; with neither, the app selects."""

    mode: Mode = "auto"
    run: Path | None = Field(None, description="a dialogue run, such as runs/dialogue")
    endpoint: EndpointConfig | None = None
    prompt: PromptConfig = PromptConfig()
    entailment: EntailmentConfig | None = None
    stop_after_s: float = Field(20.0, gt=0, description="of one answer, all in all")
    max_chars: int = Field(2000, ge=1, description="of one answer")
    at_once: int = Field(8, ge=1, description="answers written at a time by the endpoint")
    stream: bool = Field(True, description="show checked sentences before the last is written")
    margin: float = Field(
        0.15, ge=0, description="above the index's threshold: a selected answer is exact"
    )
    long_chars: int = Field(600, ge=1, description="a longer selected answer is written anew")
    remember_minutes: float = Field(0, ge=0, description="the same question, the same answer")
    remember_most: int = Field(256, ge=1, description="answers that are remembered")

    @model_validator(mode="after")
    def _one_writer(self) -> Self:
        if self.run is not None and self.endpoint is not None:
            raise ValueError("give run or endpoint, not both")
        if self.mode == "generate" and self.run is None and self.endpoint is None:
            raise ValueError("mode generate needs a run or an endpoint")
        return self
