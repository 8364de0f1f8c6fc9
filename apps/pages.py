"""HTML pages that a command writes where the user says."""

from pathlib import Path

from data.errors import ConfigError
from data.outputs import check_file, write_whole

_SUFFIXES = (".html", ".htm")
STYLE = """
:root{color-scheme:light dark;--ink:#1d2a26;--page:#fff;--line:#d5dfda;--dim:#56665f;
--good:#0b6e4f;--bad:#b03a00;--box:#f4f7f5}
@media(prefers-color-scheme:dark){:root{--ink:#e3ebe7;--page:#131a17;--line:#33413b;--dim:#9db0a7;
--good:#5fd3a5;--bad:#ff9a66;--box:#1b2420}}
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;
color:var(--ink);background:var(--page)}
h1,h2{line-height:1.2}h2{margin-top:2rem}code,small{color:var(--dim)}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
.good{color:var(--good)}.bad{color:var(--bad)}
details{background:var(--box);border-radius:.4rem;padding:.4rem .8rem;margin:.4rem 0}
summary{cursor:pointer}dt{font-weight:600;margin-top:.6rem}dd{margin:0 0 0 1rem;
overflow-wrap:anywhere;white-space:pre-line}
"""


def check_page(path: Path | None) -> None:
    """Refuse what is no place for a page, before the work that it is to tell of.

    Raises:
        ConfigError: If nothing can be written there, or it is not called as a page is: another
            file may be there.
    """
    if path is None:
        return
    check_file(path, "--report")
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"{path}: --report writes HTML; give it a name that ends in .html")


def write_page(path: Path, page: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        ConfigError: If it cannot be written.
    """
    write_whole(path, page)
