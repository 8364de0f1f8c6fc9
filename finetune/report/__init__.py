"""A run's report and card: one HTML file that needs nothing else, and a page of Markdown."""

from finetune.report.card import card_markdown
from finetune.report.fitted import fitted_note
from finetune.report.page import report_html

__all__ = ["card_markdown", "fitted_note", "report_html"]
