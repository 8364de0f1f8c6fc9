"""HTML pages that a command writes where the user says."""

from pathlib import Path

from data.errors import ConfigError

_SUFFIXES = (".html", ".htm")


def check_page(path: Path | None) -> None:
    """Refuse what is no place for a page, before the work that it is to tell of.

    Raises:
        ConfigError: If it is a folder, or is not called as a page is: another file may be there.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{path}: a folder; --report needs the name of a file")
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"{path}: --report writes HTML; give it a name that ends in .html")


def write_page(path: Path, page: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        ConfigError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); choose another"
        ) from error
