"""Files of others, made on the spot: a PDF of lines, each with its size and place; STAR's."""

import json
import tarfile
from dataclasses import dataclass
from io import BytesIO

from benchmarks.star import ARCHIVE


@dataclass(frozen=True)
class Words:
    """A line of a PDF page: its text, the size of its letters, its height from the bottom."""

    text: str
    size: float = 10
    y: float = 0
    bold: bool = False
    x: float = 72


def page_of(*lines, top=760, step=14):
    """Words one below the other; a plain text has size 10, "" leaves a space."""
    made = []
    for line in lines:
        words = line if isinstance(line, Words) else Words(line)
        top -= step if words.size <= 10 else words.size * 1.6
        if words.text:
            made.append(Words(words.text, words.size, words.y or top, words.bold, words.x))
    return made


def pdf_of(*pages):
    """The bytes of a PDF (Latin letters); a page is a list of Words, none for a scanned one."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold"
               b" /Encoding /WinAnsiEncoding >>"]  # fmt: skip
    kids = []
    for page in pages:
        commands = b""
        for words in page:
            text = words.text.encode("cp1252").replace(b"\\", b"\\\\")
            text = text.replace(b"(", b"\\(").replace(b")", b"\\)")
            font = b"/F2" if words.bold else b"/F1"
            commands += b"BT %s %f Tf 1 0 0 1 %f %f Tm (%s) Tj ET\n" % (
                font, words.size, words.x, words.y, text)  # fmt: skip
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(commands), commands))
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % len(objects)
        )
    refs = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (refs, len(kids))
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, start)  # fmt: skip


def star_archive(datasets, dialogues):
    """Write STAR's archive with these dialogues into a folder of data sets."""
    path = datasets / ARCHIVE
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for each in dialogues:
            content = json.dumps(each).encode()
            member = tarfile.TarInfo(f"dialogues/{each['DialogueID']}.json")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
