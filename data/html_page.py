"""A page of HTML in one file: no script runs, and nothing is fetched."""

from html import escape

# Texts of customers and of data stand in pages: they cannot act in one, nor leave by it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def whole_page(title: str, style: str, body: str) -> str:
    """The page around a body of HTML.

    Args:
        title: Its title in plain text; it is escaped here.
        style: Its CSS.
        body: What it shows; texts in it are escaped by the caller.
    """
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">'
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{style}</style>{body}</html>\n"
    )
