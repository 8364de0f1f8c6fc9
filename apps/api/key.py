"""The key that callers of the API show: from a file or the environment, never from an option."""

import os
import re
from pathlib import Path

from data.errors import ConfigError

VARIABLE = "DESKHAND_API_KEY"
_VALID = re.compile(r"[!-~]{16,256}")
_WANTED = "16 to 256 visible ASCII characters are needed; openssl rand -hex 32 makes some"


def api_key(file: Path | None) -> str | None:
    """The key of a file, else of the environment; None where neither is given.

    Raises:
        ConfigError: If the file cannot be read, or what it or the environment holds is no key.
    """
    if file is None:
        given = os.environ.get(VARIABLE)
        where = VARIABLE
    else:
        where = f"--api-key-file {file}"
        try:
            given = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where}: cannot be read ({type(error).__name__})") from error
    if given is None:
        return None
    key = given.strip()
    if not _VALID.fullmatch(key):
        raise ConfigError(f"{where}: is no key; {_WANTED}")
    return key
