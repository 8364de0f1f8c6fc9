"""What a mail's writer wrote: without what they quote, their signature, and boilerplate."""

import re
from collections import Counter
from collections.abc import Sequence

_ATTRIBUTION = re.compile(
    r"^(?:on\b.{3,120}\bwrote:\s*$|am\b.{4,120}\bschrieb\b.{0,80}:\s*$"
    r"|le\b.{4,120}\ba écrit\s*:\s*$|el\b.{4,120}\bescribió\s*:\s*$|在.{4,60}写道\s*[:：])",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^(?:on|am|le|el)\s", re.IGNORECASE
)  # an attribution may go on in a second line
_DATED = re.compile(r"[\d@]")
_MARKER = re.compile(
    r"^(?:-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine)"
    r"|发件人\s*[:：]|##- please type your reply above this line -##)",
    re.IGNORECASE,
)
_RULE = re.compile(r"^_{10,}\s*$")
HEADER = re.compile(
    r"^\W{0,2}(?P<name>from|sent|to|cc|bcc|subject|date|reply-to|von|gesendet|an|betreff|datum"
    r"|发件人|发送时间|收件人|抄送|主题)\W{0,2}[:：](?:\s|$)",
    re.IGNORECASE,
)
# How the lines begin that may head a quote: quicker to look for than each of them.
_MAY_HEAD = re.compile(
    r"\W{0,2}(?:on|am|le|el|from|sent|to|cc|bcc|subj|date|repl|von|gese|an|betr|datum|[在发收抄主])"
    r"|[-#_]",
    re.IGNORECASE,
)
_FROM, _SENT = ("from", "von"), ("sent", "gesendet")
_LATER = (*_SENT, "date", "datum", "subject", "betreff")
_DEVICE = re.compile(
    r"^(?:sent from my \w|sent from (?:mail|outlook|yahoo)\b|get outlook for\b"
    r"|von meinem \w+ gesendet|envoyé de mon\b|发自我的)",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^(?:this (?:e-?mail|message)\b.{0,80}\b(?:confidential|intended (?:only|solely))"
    r"|please consider the environment before printing|if you are not the intended recipient"
    r"|confidentiality notice|disclaimer:|registered (?:office|in england)\b|ticket id:\s"
    r"|please do not (?:reply|respond) (?:directly )?to this)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten (?:tag|morgen|abend)"
    r"|sehr geehrte\w*|bonjour|hola|您好|你好)(?: [^\W\d_][\w'’.-]*){0,2}\s*[,.!:，！]*$",
    re.IGNORECASE,
)
_HEADERS = 20  # lines of a mail's head at most
_SIGNED_LINES = 8  # of a signature at most
_LONG = 6  # words of a line that ends as a sentence does, from which it is one
_BLANKS = re.compile(r"[^\S\n]+")


def own_words(text: str) -> tuple[list[str], Counter[str]]:
    """The lines of a turn that its writer wrote, and what was cut, by kind.

    What stands below a quote is kept where `>` marks the quote. Where nothing marks its end, all
    that follows its head goes, but never all that there is: a forwarded mail stays.

    Args:
        text: With plain line ends.
    """
    cuts: Counter[str] = Counter()
    kept: list[str] = []
    says = False  # whether more than a greeting is kept
    lines = [line.strip() for line in text.split("\n")]
    place = 0
    while place < len(lines):
        line = lines[place]
        head = _head(lines, place)
        if head:
            cuts["quoted mail"] += 1
            past = _past_marked(lines, place + head)
            if past == place + head and says:
                break
            place = past
            continue
        place += 1
        if line.startswith(">"):
            cuts["quoted lines"] += 1
        elif _DEVICE.match(line):
            cuts["signature"] += 1
        elif line == "--":
            if says and _is_signature(lines, place):
                cuts["signature"] += 1
                break
        elif _BOILERPLATE.match(line):
            cuts["boilerplate"] += 1
        else:
            kept.append(_BLANKS.sub(" ", line))
            says = says or bool(line and not _GREETING.match(line))
    return kept, cuts


def header_lines(lines: Sequence[str], place: int) -> int:
    """How many lines from `place` on are headers of a mail; 0 where they may be a list of facts.

    They are a mail's where a sender's address or the time of sending is among them.
    """
    names: list[str] = []
    while place + len(names) < len(lines) and len(names) < _HEADERS:
        found = HEADER.match(lines[place + len(names)])
        if found is None:
            break
        names.append(found["name"].lower())
    address = any("@" in line for line in lines[place : place + len(names)])
    return len(names) if address or not set(names).isdisjoint(_SENT) else 0


def _head(lines: Sequence[str], place: int) -> int:
    """How many lines say that a quote begins at `place`, 0 where none does."""
    line = lines[place]
    if not _MAY_HEAD.match(line):
        return 0
    if _ATTRIBUTION.match(line):
        return 1 if _DATED.search(line) or _is_marked(lines, place + 1) else 0
    if _OPENS.match(line) and place + 1 < len(lines):
        both = f"{line} {lines[place + 1]}"
        if _ATTRIBUTION.match(both) and ("@" in both or _is_marked(lines, place + 2)):
            return 2
    if _MARKER.match(line):
        return 1 + header_lines(lines, place + 1)
    if _RULE.match(line):
        below = _headers(lines, place + 1)
        return 1 + below if below else 0
    return _headers(lines, place)


def _headers(lines: Sequence[str], place: int) -> int:
    """`header_lines` of which there are three, or a sender's with the time or the subject."""
    size = header_lines(lines, place)
    names = [found["name"].lower() for line in lines[place : place + size]
             if (found := HEADER.match(line))]  # fmt: skip
    sender = size == 2 and names[0] in _FROM and "@" in lines[place] and names[1] in _LATER
    return size if size > 2 or sender else 0


def _is_marked(lines: Sequence[str], place: int) -> bool:
    """Whether the next line with a text begins with `>`."""
    while place < len(lines) and not lines[place]:
        place += 1
    return place < len(lines) and lines[place].startswith(">")


def _past_marked(lines: Sequence[str], place: int) -> int:
    """Where the lines end that begin with `>`, with blank ones among them; `place` without any."""
    while _is_marked(lines, place):
        while not lines[place].startswith(">"):
            place += 1
        place += 1
    return place


def _is_signature(lines: Sequence[str], place: int) -> bool:
    """Whether the lines up to a quote or the end sign: few, and no sentence among them."""
    told = 0
    for number in range(place, len(lines)):
        line = lines[number]
        if line.startswith(">") or _head(lines, number):
            break
        words = len(line.split())
        if not line or _BOILERPLATE.match(line):
            continue
        told += 1
        ends = line.endswith((".", "!", "。", "！"))
        if line.endswith(("?", "？")) or (ends and words >= _LONG) or told > _SIGNED_LINES:
            return False
    return True
