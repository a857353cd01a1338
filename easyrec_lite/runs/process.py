"""Set-up of a process that is about to run TensorFlow for a config."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core.allocator import keep_freed_memory
from easyrec_lite.distribution.cluster import VARIABLE

# Notes (severity I) of TensorFlow's start, and the line that announces them.
CHATTER = re.compile(r"I0000 |WARNING: All log messages before absl::InitializeLog")
# What Keras imports where it is installed, for its plots and wrappers: 100 MB and a second.
NOT_NEEDED = ("matplotlib", "sklearn")
log = logging.getLogger(__name__)


def prepare(pipeline: Pipeline, quiet: bool = False, training: bool = False) -> None:
    """Prints the config's warnings, then loads TensorFlow with the threads that `threads` says.

    `quiet` leaves the warnings to another process of the same run.

    Of a config that a run left in its model folder the warnings were told by that run: then one
    line counts them. Those about flags are always told.
    TensorFlow's own start-up notes are kept off the screen unless `TF_CPP_MIN_LOG_LEVEL` is set.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger("easyrec_lite").setLevel(logging.INFO)
    logging.getLogger("absl").setLevel(logging.ERROR)
    for line in [] if quiet else told_warnings(pipeline):
        print(line, file=sys.stderr)
    load_tensorflow()
    asked = pipeline.config.train_config
    try:
        use_threads(*threads(asked, training))
    except RuntimeError:
        if asked.inter_op_parallelism_threads or asked.intra_op_parallelism_threads:
            log.warning("TensorFlow ran in this process before: its numbers of threads stay")
    if training:
        keep_freed_memory()


def threads(train_config: Any, training: bool) -> tuple[int, int]:
    """Returns how many threads run operations, and how many share one; 0: TensorFlow chooses.

    A step has two towers, and two blocks of its softmax, at a time. On two cores each has one to
    itself, where TensorFlow would cut every operation in two and wait for the halves.

    Args:
      train_config: the message; what it says counts.
      training: whether it is training that the threads are for.
    """
    asked = (train_config.inter_op_parallelism_threads, train_config.intra_op_parallelism_threads)
    return (2, 1) if training and asked == (0, 0) and _cores() == 2 else asked


def _cores() -> int:
    # What the process may use, where the system can tell.
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def use_threads(between: int, within: int) -> None:
    """Sets TensorFlow's threads, as of `threads`.

    Raises:
      RuntimeError: TensorFlow has run an operation.
    """
    import tensorflow as tf

    if between:
        tf.config.threading.set_inter_op_parallelism_threads(between)
    if within:
        tf.config.threading.set_intra_op_parallelism_threads(within)


def told_warnings(pipeline: Pipeline) -> list[str]:
    """Returns what is said about the config's warnings, as lines."""
    file, folder = Path(pipeline.file), pipeline.config.model_dir
    of_run = folder and file.resolve().is_relative_to(Path(folder).resolve())
    if not of_run or file.name != CONFIG_FILE:
        return [str(warning) for warning in pipeline.warnings]
    known = [warning for warning in pipeline.warnings if warning.place.file == pipeline.file]
    lines = [str(warning) for warning in pipeline.warnings if warning not in known]
    if known:
        count = f"{len(known)} warning{'' if len(known) == 1 else 's'}"
        check = f"python -m easyrec_lite.check --config {shlex.quote(pipeline.file)}"
        lines.append(f"{pipeline.file}: {count}, as when it was trained; told by {check}")
    return lines


def load_tensorflow() -> None:
    """Loads TensorFlow and Keras without what they print while loading."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_chatter(), _as_if_absent(NOT_NEEDED):
        import keras  # noqa: F401
        import tensorflow as tf
    tf.get_logger().setLevel(logging.ERROR)


@contextmanager
def _as_if_absent(packages: Sequence[str]) -> Iterator[None]:
    """Within the block, importing a package that is not loaded yet fails as if it were absent."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Filters what TensorFlow's C++ code prints while it loads, before its log level counts."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                if not CHATTER.match(line):
                    print(line, file=sys.stderr)


def leave(code: int) -> NoReturn:
    """Ends the process.

    With parameter servers TensorFlow's farewell is left out: it would be to servers that have
    ended already, each of which it would complain about.
    """
    if '"ps"' not in os.environ.get(VARIABLE, ""):
        sys.exit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
