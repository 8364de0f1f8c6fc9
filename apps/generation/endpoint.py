"""A chat model behind an OpenAI-compatible endpoint; the one door to langchain-openai and openai.

Only the URL of the config is asked, with the key that it names or none: the key in
`OPENAI_API_KEY` goes nowhere by itself.
"""

import os

from apps.generation.chat_model import ChatModel, failure_of
from apps.generation.config import EndpointConfig, GenerateConfig
from apps.generation.generator import Failure
from apps.generation.prompt import Prompts
from data.errors import ConfigError

_NO_KEY = "none"  # servers without keys want a word all the same


def open_endpoint(config: GenerateConfig) -> ChatModel:
    """The endpoint of a config as a Generator; nothing is sent before it writes.

    Raises:
        ConfigError: If the extra is not installed, or the key's variable is not set.
    """
    assert config.endpoint is not None
    endpoint = config.endpoint
    try:
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr
    except ModuleNotFoundError as error:
        raise ConfigError(
            "generate.endpoint needs langchain-openai; pip install 'deskhand[openai]'"
        ) from error
    model = ChatOpenAI(
        model=endpoint.model,
        base_url=endpoint.url,
        api_key=SecretStr(_key(endpoint)),
        temperature=endpoint.temperature,
        timeout=endpoint.timeout_s,
        max_retries=0,
        use_responses_api=False,
        stream_usage=False,
        extra_body={endpoint.limit_field: endpoint.max_tokens},
    )
    return ChatModel(
        f"endpoint {endpoint.model}", model, Prompts(config.prompt), config.max_chars,
        config.at_once, says_end=True, failure_of=endpoint_failure,
    )  # fmt: skip


def endpoint_failure(error: Exception) -> Failure:
    """What an error of the openai client means."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "timeout"
    if isinstance(error, openai.APIStatusError):
        if error.status_code == 429:
            return "busy"
        return "refused" if error.status_code < 500 else "broken"
    if isinstance(error, openai.APIConnectionError):
        return "unreachable"
    return failure_of(error)


def _key(endpoint: EndpointConfig) -> str:
    if endpoint.key_env is None:
        return _NO_KEY
    key = os.environ.get(endpoint.key_env, "")
    if not key:
        raise ConfigError(f"generate.endpoint.key_env: {endpoint.key_env} is not set; export it")
    return key
