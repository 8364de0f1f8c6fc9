"""How an encoder makes a vector of a text, as its folder tells it in sentence-transformers' files.

modules.json                         what follows the network: pooling, unit length
1_Pooling/config.json                which vector of the tokens' is the text's
config_sentence_transformers.json    words before a question and before a passage
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from data.errors import EncoderError

Pooling = Literal["mean", "cls", "max", "lasttoken"]
MODULES, PROMPTS = "modules.json", "config_sentence_transformers.json"
POOLINGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "lasttoken",
}
_QUESTION, _PASSAGE = ("query",), ("document", "passage", "corpus")
_OFFSET = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet"}


@dataclass(frozen=True, slots=True)
class Way:
    """How an encoder reads.

    `pooling` tells which vector is the text's; `question`, `passage` and `text` stand before a
    question, before what is searched, and before any other text.
    """

    pooling: Pooling = "mean"
    question: str = ""
    passage: str = ""
    text: str = ""

    def of(self, fingerprint: str) -> str:
        """The fingerprint of weights that are read in this way: that of the weights if plainly."""
        if self == Way():
            return fingerprint
        told = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(f"{fingerprint} {told}".encode()).hexdigest()


def way_of(folder: Path) -> Way:
    """What a folder tells; the mean of the tokens and no prompts where it tells nothing.

    Raises:
        EncoderError: If the files cannot be read, or ask for what is not offered.
    """
    pooling: Pooling = "mean"
    for module in _json(folder / MODULES, []):
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _pooling(folder / str(module.get("path", "")) / "config.json")
        elif kind not in ("Transformer", "Normalize"):  # every vector is made unit length anyway
            raise EncoderError(
                f"{folder}: asks for a module {kind} after the network, which is not offered; "
                "name an encoder that ends with its pooling"
            )
    values = _json(folder / PROMPTS, {})
    prompts = values.get("prompts") or {}
    usual = str(prompts.get(values.get("default_prompt_name")) or "")
    return Way(pooling, _first(prompts, _QUESTION, usual), _first(prompts, _PASSAGE, usual), usual)


def positions_of(folder: Path) -> int | None:
    """How many tokens the network has positions for; None where its config does not tell."""
    values = _json(folder / "config.json", {})
    most = values.get("max_position_embeddings")
    if not isinstance(most, int):
        return None
    # These count positions from the padding token's id.
    taken = int(values.get("pad_token_id") or 0) + 1 if values.get("model_type") in _OFFSET else 0
    return most - taken


def _pooling(path: Path) -> Pooling:
    values = _json(path, {})
    told = values.get("pooling_mode")
    modes = [name for name, on in values.items() if name.startswith("pooling_mode_") and on is True]
    found = [told] if isinstance(told, str) else [POOLINGS.get(name, name) for name in modes]
    for pooling in POOLINGS.values():
        if found == [pooling]:
            return pooling
    raise EncoderError(
        f"{path}: asks for pooling by {', '.join(found) or 'nothing'}; one of "
        f"{', '.join(POOLINGS.values())} is offered"
    )


def _first(prompts: dict[str, Any], names: tuple[str, ...], usual: str) -> str:
    found = [str(prompts[name]) for name in names if prompts.get(name)]
    return found[0] if found else usual


def _json(path: Path, without: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return without
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: cannot be read; download the encoder again") from error
    if not isinstance(values, type(without)):
        raise EncoderError(f"{path}: not what sentence-transformers writes; download it again")
    return values
