"""A message's id, made by the browser before it is sent: what comes twice is answered once.

A tab has one draft's id until its answer has come. A second click, and a retry after the connection
broke, bring the same one. Two texts under one id are two messages.
"""

import hashlib
import re

import gradio as gr

_VALID = re.compile(r"[a-f0-9]{32}")
# Not crypto.randomUUID: browsers have that on https and localhost alone.
SCRIPT = """<script>
window.dhDrafts = {};
window.dhDraft = (name) => window.dhDrafts[name] ||= Array.from(
  crypto.getRandomValues(new Uint8Array(16)),
  (byte) => byte.toString(16).padStart(2, "0"),
).join("");
window.dhAnswered = (name) => { delete window.dhDrafts[name]; };
</script>"""


def draft_box() -> gr.Textbox:
    """Where the browser puts the id; nobody sees it."""
    return gr.Textbox(visible=False, label="Draft")


def with_draft(name: str, before: int) -> str:
    """Script of an event whose last input is the draft's id, behind `before` others."""
    others = [f"v{number}" for number in range(before)]
    return f"({', '.join(others)}) => [{', '.join([*others, f'window.dhDraft({name!r})'])}]"


def answered(name: str) -> str:
    """Script that ends a draft: the next message has another id."""
    return f"() => {{ window.dhAnswered({name!r}); }}"


def message_id(draft: object, text: str) -> str | None:
    """The id of a message, or None where the browser sent none that is ours."""
    if not isinstance(draft, str) or not _VALID.fullmatch(draft):
        return None
    return f"{draft}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
