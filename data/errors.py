"""Errors this repository raises on purpose.

DeskhandError             the command line prints it as one line, exit code 2
├── ConfigError          an option, a config or a form is filled in wrongly
├── LogFormatError       a row or file of data cannot be read
├── ConversationError    another process writes this conversation
├── EncoderError         an encoder cannot be found or is not the one that was recorded
├── RunDirError          a run directory is incomplete, foreign, or for another task
│   └── RunInUseError    another process writes it
└── IndexMismatchError   an index is missing, incomplete, or was built with another encoder
"""


class DeskhandError(Exception):
    """A mistake that a user can fix; the message says what, where and what to do."""


class ConfigError(DeskhandError):
    """An option, a config or a form is filled in wrongly; may hold several lines, one a mistake."""


class LogFormatError(DeskhandError):
    """A row or file of data cannot be read; the message begins with file:line."""


class ConversationError(DeskhandError):
    """Another process wrote in this conversation meanwhile."""


class EncoderError(DeskhandError):
    """An encoder cannot be found, or its weights are not those that were recorded."""


class RunDirError(DeskhandError):
    """A run directory is incomplete, foreign, or for another task."""


class RunInUseError(RunDirError):
    """Another process writes this run directory now."""


class IndexMismatchError(DeskhandError):
    """An index is missing, incomplete, or was built with another encoder."""
