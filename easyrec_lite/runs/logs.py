"""Where the log lines of a command go: standard output, unless absl's flags say otherwise."""

from __future__ import annotations

import io
import logging
import sys

from absl import flags
from absl import logging as absl_logging
from absl.logging import converter

from easyrec_lite.core.errors import printable

PACKAGE = "easyrec_lite"
TENSORFLOW = ("absl", "tensorflow")


def set_up_logs() -> None:
    """Sends log lines through absl's handler, plain to standard output, and applies its flags.

    `--verbosity` is the level of this package's lines; those of other packages are shown from
    warnings on, TensorFlow's from errors on, unless `--logger_levels` names their logger.
    `--logtostderr` and `--alsologtostderr` write to standard error, and `--log_dir` into a file of
    that folder instead of standard output, both with absl's prefix.
    """
    flags.FLAGS.mark_as_parsed()
    absl_logging.use_absl_handler()
    handler = absl_logging.get_absl_handler()
    handler.setFormatter(_Formatter())
    handler.python_handler.stream = _STANDARD_OUTPUT
    handler.python_handler.addFilter(_concerns_users)
    if flags.FLAGS.log_dir:
        handler.use_absl_log_file(PACKAGE, flags.FLAGS.log_dir)
    level = converter.absl_to_standard(flags.FLAGS.verbosity)
    logging.getLogger().setLevel(max(level, logging.WARNING))
    if PACKAGE not in flags.FLAGS.logger_levels:
        logging.getLogger(PACKAGE).setLevel(level)


def _concerns_users(record: logging.LogRecord) -> bool:
    """Returns whether a line is this package's, of a logger that a flag names, or serious.

    Levels of loggers are not enough: TensorFlow sets absl's verbosity while it saves a model.
    """
    if record.name.partition(".")[0] in (PACKAGE, *flags.FLAGS.logger_levels):
        return True
    return record.levelno >= (logging.ERROR if record.name in TENSORFLOW else logging.WARNING)


class _StandardOutput(io.TextIOBase):
    """What `sys.stdout` is at the time of writing; a test or a caller may replace it."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


_STANDARD_OUTPUT = _StandardOutput()


class _Formatter(absl_logging.PythonFormatter):
    """absl's lines, `I1130 12:00:00.000000 123 loop.py:88] …`; on standard output plain ones.

    Control characters, which paths and data may hold, are written as escapes.
    """

    def format(self, record: logging.LogRecord) -> str:
        if absl_logging.get_absl_handler().python_handler.stream is _STANDARD_OUTPUT:
            return printable(logging.Formatter.format(self, record))
        return printable(super().format(record))
