"""`deskhand prepare`: the options of the command line, put together."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from data.engines import local, on_ray
from data.errors import ConfigError
from data.prepare import Prepared, SplitBy, prepare
from data.redact.conversation import EntityFinder
from data.redact.digits import check_region

ENGINES = {"local": local, "ray": on_ray}
SPLITS_BY: tuple[SplitBy, ...] = ("conversation", "customer", "time")
KEY_BYTES = 16  # at least: fewer could be guessed


def prepare_logs(
    logs: Sequence[Path],
    out: Path,
    importer: str | None,
    columns: Mapping[str, str],
    *,
    region: str,
    split: str,
    ner: Path | None,
    engine: str,
    key_file: Path | None,
) -> Prepared:
    """Prepare exports; see `data.prepare.prepare`.

    Raises:
        DeskhandError: If an option or a file is not what is needed.
    """
    if engine not in ENGINES:
        raise ConfigError(f"--engine {engine}: one of {', '.join(ENGINES)}")
    check_region(region)
    by: SplitBy | None = next((each for each in SPLITS_BY if each == split), None)
    if by is None:
        raise ConfigError(f"--split {split}: one of {', '.join(SPLITS_BY)}")
    return prepare(
        logs,
        out,
        importer=importer,
        columns=columns,
        region=region,
        split_by=by,
        key=_key(key_file),
        finder=_finder(ner),
        engine=ENGINES[engine],
    )


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--key-file {path}: cannot be read ({error.strerror})") from error
    if len(key) < KEY_BYTES:
        raise ConfigError(f"--key-file {path}: {len(key)} bytes; it needs {KEY_BYTES} or more")
    return key


def _finder(run: Path | None) -> EntityFinder | None:
    if run is None:
        return None
    from finetune.ner.model import NerModel

    return NerModel(run)
