"""A list of conversations, of which one is open."""

import gradio as gr


def listing(label: str, elem_id: str) -> gr.Radio:
    """The list, empty until the page is loaded.

    It gives the handlers of its events whatever id the browser sends, which they check.
    """
    made = gr.Radio(
        [],
        label=label,
        elem_id=elem_id,
        elem_classes="dh-list",
        interactive=True,
    )
    # Gradio looks an id up among the choices that this process has sent: none to a page that
    # outlived a restart. No subclass, because gradio writes a .pyi beside the file of one.
    made.preprocess = _as_sent
    return made


def _as_sent(payload: object) -> str | None:
    return payload if isinstance(payload, str) else None
