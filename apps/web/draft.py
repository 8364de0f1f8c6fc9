"""A message's id, made by the browser before it is sent: what comes twice is answered once.

A tab has one draft's id until its answer has come. A second click, and a retry after the connection
broke, the page was loaded again or the answer failed, bring the same one. Two texts under one id
are two messages.
"""

import hashlib
import re

import gradio as gr

from apps.store import Store

KEPT = "kept"
_VALID = re.compile(r"[a-f0-9]{32}")
# Not crypto.randomUUID: browsers have that on https and localhost alone.
SCRIPT = """<script>
window.dhDraft = (name) => {
  const key = "deskhand-draft-" + name;
  let draft = sessionStorage.getItem(key);
  if (!draft) {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)));
    draft = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(key, draft);
  }
  return draft;
};
window.dhAnswered = (name) => sessionStorage.removeItem("deskhand-draft-" + name);
</script>"""


def draft_box() -> gr.Textbox:
    """Where the browser puts the id, and the server KEPT; nobody sees it."""
    return gr.Textbox(visible=False, label="Draft")


def with_draft(name: str, before: int) -> str:
    """Script of an event whose last input is the draft's id, behind `before` others."""
    others = [f"v{number}" for number in range(before)]
    return f"({', '.join(others)}) => [{', '.join([*others, f'window.dhDraft({name!r})'])}]"


def answered(name: str) -> str:
    """Script that ends a draft: the next message has another id.

    Its input, where it has one, is the draft's box: KEPT where the message is to be sent again.
    """
    return f"(kept) => {{ if (kept !== {KEPT!r}) window.dhAnswered({name!r}); }}"


def message_id(draft: object, text: str) -> str | None:
    """The id of a message, or None where the browser sent none that is ours."""
    if not isinstance(draft, str) or not _VALID.fullmatch(draft):
        return None
    return f"{draft}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def begun(store: Store, owner: str, app: str, draft: object) -> str:
    """The conversation that a draft begins: the same one where the draft comes again.

    Nobody can guess its id: the owner's is secret.
    """
    if not isinstance(draft, str) or not _VALID.fullmatch(draft):
        return store.new_conversation(owner, app)
    whole = hashlib.sha256(f"{owner}|{app}|{draft}".encode()).hexdigest()
    return store.conversation_of(owner, app, whole[:24])
