"""Importers: one small module for each kind of export, found in this dict and nowhere else."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Protocol, cast

from data.errors import LogFormatError
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
    """What a module here offers."""

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
            columns: From `--map field=column`; an importer takes the fields that it knows.
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
        LogFormatError: If the name is unknown.
    """
    if name is not None:
        if name not in IMPORTERS:
            raise LogFormatError(f"no importer {name!r}; one of {', '.join(IMPORTERS)}")
        return cast(Importer, IMPORTERS[name])
    for importer in IMPORTERS.values():
        if importer.fits(source):
            return cast(Importer, importer)
    return None


def read_export(
    source: Source, name: str | None, columns: Mapping[str, str], bad: BadRows
) -> Iterator[Conversation]:
    """Yield the conversations of an export: a file, or a folder or archive and all in it.

    A file that no importer fits is counted as left out where it is one of several.

    Raises:
        LogFormatError: If `name` is unknown, or it is a single file that no importer fits.
    """
    if source.holds_members:
        whole = importer_for(source, name)
        if whole is not None and whole.fits(source):
            yield from whole.read(source, columns, bad)
            return
        for member in source.members(bad.add):
            try:
                found = importer_for(member, name)
                if found is None:
                    bad.left_out["file that no importer reads"] += 1
                else:
                    yield from found.read(member, columns, bad)
            except LogFormatError as error:
                bad.add(member.name, str(error).removeprefix(f"{member.name}: "))
        return
    importer = importer_for(source, name)
    if importer is None:
        raise LogFormatError(
            f"{source.name}: no importer fits; name one with --format ({', '.join(IMPORTERS)})"
        )
    yield from importer.read(source, columns, bad)
