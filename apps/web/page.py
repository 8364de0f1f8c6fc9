"""The page: a tab for each app."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import gradio as gr

from apps.app import App
from apps.store import Store
from apps.web.chat_tab import ChatTab
from apps.web.faq_tab import FaqTab
from apps.web.summary_tab import SummaryTab
from data.schema import Conversation

if TYPE_CHECKING:
    from apps.review.desk import ReviewDesk
    from apps.summarizer.summarizer import Summary

PRODUCT = "Deskhand"
AT_ONCE = 8  # answers that are worked on at the same time
_FILES_S = 3600  # what is uploaded and made of it is kept so long
QUESTION_APPS = frozenset({"faq"})  # a box and an answer; all others are a chat
_HEADER = (
    f'<header class="dh-header"><span class="dh-logo" aria-hidden="true"></span><h1>{PRODUCT}</h1>'
    "<p>Support answers from what your company already said.</p></header>"
)


def build_page(
    chat_apps: Mapping[str, App],
    summarize: "Callable[[Conversation], Summary] | None",
    store: Store,
    review: "ReviewDesk | None" = None,
    unexplained: Collection[str] = (),
) -> gr.Blocks:
    """The page, to be mounted by apps.web.server.

    Args:
        chat_apps: Apps by name; `faq` becomes a question box, any other a chat.
        summarize: The summarizer's verb, for a tab of its own.
        store: Where conversations are kept.
        review: The reviewers' desk, for a tab that shows everyone's conversations to whoever opens
            the page.
        unexplained: Apps that do not show how an answer came about.
    """
    page: gr.Blocks = gr.Blocks(
        title=PRODUCT, analytics_enabled=False, fill_width=True, delete_cache=(_FILES_S, _FILES_S)
    )
    with page:
        gr.HTML(_HEADER, elem_id="header", apply_default_css=False)
        with gr.Tabs(elem_id="apps"):
            for name, app in chat_apps.items():
                explain = name not in unexplained
                with gr.Tab(app.title, id=name, elem_id=f"{name}-tab"):
                    if name in QUESTION_APPS:
                        FaqTab(name, app, store, explain).build()
                    else:
                        ChatTab(name, app, store, explain).build(page)
            if summarize is not None:
                with gr.Tab("Summarizer", id="summarizer", elem_id="summarizer-tab"):
                    SummaryTab(summarize).build()
            if review is not None:
                from apps.web.review_tab import ReviewTab  # with redaction, which no app needs

                with gr.Tab("Review", id="review", elem_id="review-tab") as tab:
                    ReviewTab(review).build(page, tab)
    page.queue(api_open=False, default_concurrency_limit=AT_ONCE)
    return page
