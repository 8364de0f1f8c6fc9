"""Importers: one small module for each kind of export, found in this dict and nowhere else."""

from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import Protocol, cast

from data.errors import ConfigError, LogFormatError
from data.logs import (
    chatwoot,
    deskhand_jsonl,
    freshdesk,
    intercom,
    labelled,
    mail,
    slack,
    star,
    table,
    tweets,
    tweetsumm,
    whatsapp,
    zendesk,
)
from data.rows import BadRows
from data.schema import Conversation
from data.sources import Source


class Importer(Protocol):
    """What a module here offers; FIELDS are those of `--map` that it takes."""

    FIELDS: tuple[str, ...]

    def fits(self, source: Source) -> bool:
        """Whether the content is of this kind; reads only its beginning.

        A folder or an archive is offered as a whole first, then each file in it.
        """

    def read(
        self, source: Source, columns: Mapping[str, str], bad: BadRows
    ) -> Iterator[Conversation]:
        """Yield its conversations; what cannot be read is noted in `bad`, never with its text.

        Args:
            source: What `fits` accepted.
            columns: From `--map field=column`, of its FIELDS.
            bad: Where rows that cannot be read are noted.
        """


IMPORTERS: dict[str, ModuleType] = {
    "star": star,
    "slack": slack,
    "zendesk": zendesk,
    "freshdesk": freshdesk,
    "intercom": intercom,
    "chatwoot": chatwoot,
    "mail": mail,
    "whatsapp": whatsapp,
    "tweets": tweets,
    "tweetsumm": tweetsumm,
    "jsonl": deskhand_jsonl,
    "labelled": labelled,
    "table": table,
}


def importer_for(source: Source, name: str | None = None) -> Importer | None:
    """The importer of that name, or the first whose content check fits; None where none does.

    Raises:
        ConfigError: If the name is unknown.
    """
    if name is not None:
        if name not in IMPORTERS:
            raise ConfigError(f"no importer {name!r}; one of {', '.join(IMPORTERS)}")
        return cast(Importer, IMPORTERS[name])
    for importer in IMPORTERS.values():
        if importer.fits(source):
            return cast(Importer, importer)
    return None


def read_export(
    source: Source,
    name: str | None,
    columns: Mapping[str, str],
    bad: BadRows,
    taken: set[str] | None = None,
) -> Iterator[Conversation]:
    """Yield the conversations of an export: a file, or a folder or archive and all in it.

    A file that no importer fits is counted as left out where it is one of several.

    Args:
        source: The export.
        name: An importer's; None tells it by the content.
        columns: From `--map field=column`.
        bad: Where rows that cannot be read are noted.
        taken: The fields that an importer of this export takes are added to it, and the caller
            refuses those that none took (`refuse_others`). Without it they are refused here.

    Raises:
        ConfigError: If `name` is unknown, or no importer takes a field of `columns`.
        LogFormatError: If it is a single file that no importer fits.
    """
    refuse_others(columns, {field for each in IMPORTERS.values() for field in each.FIELDS})
    took = set[str]() if taken is None else taken
    whole = importer_for(source, name) if source.holds_members else None
    if whole is not None and not whole.fits(source):
        whole = None
    if source.holds_members and whole is None:
        yield from _members(source, name, columns, bad, took)
        if taken is None:
            refuse_others(columns, took)
        return
    importer = whole or importer_for(source, name)
    if importer is None:
        raise LogFormatError(
            f"{source.name}: no importer fits; name one with --format ({', '.join(IMPORTERS)})"
        )
    took |= columns.keys() & set(importer.FIELDS)
    if taken is None:
        refuse_others(columns, importer.FIELDS, f"{source.name}, read as {_name(importer)}: ")
    own = {field: column for field, column in columns.items() if field in importer.FIELDS}
    yield from importer.read(source, own, bad)


def refuse_others(columns: Mapping[str, str], taken: Collection[str], about: str = "") -> None:
    """Refuse fields of `--map` that are not taken: a mistyped one would be passed over.

    Raises:
        ConfigError: If there is one.
    """
    for field, column in columns.items():
        if field not in taken:
            raise ConfigError(
                f"{about}--map {field}={column}: no field {field!r}; "
                f"fields: {', '.join(sorted(taken)) or 'none'}; --format names another reader"
            )


def _members(
    source: Source, name: str | None, columns: Mapping[str, str], bad: BadRows, taken: set[str]
) -> Iterator[Conversation]:
    """The conversations of each file in a folder or archive, and of archives in a folder."""
    for member in source.members(bad.add):
        if member.is_archive and not member.holds_members:
            bad.add(member.name, "an archive in an archive; unpack it first")
            continue
        try:
            if not member.holds_members and importer_for(member, name) is None:
                bad.left_out["file that no importer reads"] += 1
            else:
                yield from read_export(member, name, columns, bad, taken)
        except LogFormatError as error:
            bad.add(member.name, str(error).removeprefix(f"{member.name}: "))


def _name(importer: Importer) -> str:
    return next(name for name, each in IMPORTERS.items() if each is importer)
