"""A conversation pasted as lines, 'Customer: …' and 'Agent: …', → Conversation."""

import re

from data.errors import LogFormatError
from data.schema import Conversation, Speaker, Turn

MAX_PASTED_CHARS = 200_000
_SPEAKER_OF_NAME: dict[str, Speaker] = {
    "customer": "customer",
    "client": "customer",
    "user": "customer",
    "agent": "agent",
    "support": "agent",
    "assistant": "agent",
    "bot": "agent",
}
_LINE = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*|\d{1,2}:\d{2}(?::\d{2})?\s+)?"  # a time before the name
    rf"({'|'.join(_SPEAKER_OF_NAME)})\s*:\s*(.*)$",
    re.IGNORECASE,
)
EXAMPLE = """\
Customer: Hi, my kettle arrived with a cracked lid. The order is BK-20417.
Agent: I am sorry about that! Would you like a new lid, or your money back?
Customer: A new lid, please. I use it every morning.
Agent: I have ordered a replacement lid for you. It leaves our warehouse tomorrow, free of charge.
Customer: Brilliant, thank you!"""


def parse_conversation(text: str, conversation_id: str = "pasted") -> Conversation:
    """The Conversation in pasted lines; a line without a name continues the turn above it.

    Raises:
        LogFormatError: If no line begins with a speaker, or the text is too long; its message
            is for the visitor.
    """
    if len(text) > MAX_PASTED_CHARS:
        raise LogFormatError(
            f"That is very long ({len(text):,} characters); "
            f"please paste fewer than {MAX_PASTED_CHARS:,}."
        )
    turns: list[tuple[Speaker, list[str]]] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            turns.append((_SPEAKER_OF_NAME[found[1].lower()], [found[2].strip()]))
        elif turns:
            turns[-1][1].append(line.strip())
    said = [(speaker, "\n".join(lines).strip()) for speaker, lines in turns]
    kept = tuple(Turn(speaker, words) for speaker, words in said if words)
    if not kept:
        raise LogFormatError(
            "I found no conversation there. "
            "Please begin each turn on its own line with 'Customer:' or 'Agent:'."
        )
    return Conversation(conversation_id, kept)
