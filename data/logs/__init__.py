"""Importers: one small module for each kind of export, found in this dict and nowhere else."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from data.errors import LogFormatError
from data.logs import deskhand_jsonl, table, tweetsumm
from data.rows import BadRows, require_file
from data.schema import Conversation


class Importer(Protocol):
    """What a module here offers."""

    def fits(self, path: Path) -> bool:
        """Whether the file's content is of this kind; reads only its beginning."""

    def read(self, path: Path, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
        """Yield its conversations; rows that cannot be read are noted in `bad`."""


IMPORTERS: dict[str, ModuleType] = {
    "tweetsumm": tweetsumm,
    "jsonl": deskhand_jsonl,
    "table": table,
}


def importer_for(path: Path, name: str | None = None) -> Importer:
    """The importer of that name, or the first whose content check fits.

    Raises:
        LogFormatError: If the name is unknown or none fits.
    """
    if name is not None:
        if name not in IMPORTERS:
            raise LogFormatError(f"no importer {name!r}; one of {', '.join(IMPORTERS)}")
        return cast(Importer, IMPORTERS[name])
    require_file(path)
    for importer in IMPORTERS.values():
        if importer.fits(path):
            return cast(Importer, importer)
    raise LogFormatError(
        f"{path}: no importer fits; it reads CSV, TSV, Parquet with one turn a row, conversations "
        f"JSONL and TweetSumm JSONL. Name one with --format ({', '.join(IMPORTERS)})"
    )
