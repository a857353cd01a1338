"""Sets up a process that is about to run TensorFlow for a config, and ends it."""

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
from typing import TYPE_CHECKING, NoReturn

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.allocator import keep_freed_memory
from easyrec_lite.runs.logs import set_up_logs

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline
    from easyrec_lite.protos.messages import TrainConfig

# Notes (severity I) that TensorFlow prints at its start, and the line that announces them.
CHATTER = re.compile(r"I0000 |WARNING: All log messages before absl::InitializeLog")
# Keras imports these where they are installed, for its plots and wrappers: 100 MB and a second.
NOT_NEEDED = ("matplotlib", "sklearn")
log = logging.getLogger(__name__)


def prepare(pipeline: Pipeline, quiet: bool = False, training: bool = False) -> None:
    """Prints the config's warnings, then loads TensorFlow and sets its threads.

    TensorFlow's own start-up notes are hidden unless `TF_CPP_MIN_LOG_LEVEL` is set.

    Args:
      pipeline: the config.
      quiet: print no warnings; another process of the same run does.
      training: whether the process is about to train; see `threads`.
    """
    set_up_logs()
    for line in [] if quiet else shown_warnings(pipeline):
        print(line, file=sys.stderr)
    load_tensorflow()
    asked: TrainConfig = pipeline.config.train_config
    try:
        use_threads(*threads(asked, training))
    except RuntimeError:
        if asked.inter_op_parallelism_threads or asked.intra_op_parallelism_threads:
            log.warning("TensorFlow already runs in this process: its threads stay as they are")
    if training:
        keep_freed_memory()


def threads(train_config: TrainConfig, training: bool) -> tuple[int, int]:
    """Returns how many operations run at a time, and how many threads one of them uses.

    A training step has two towers, and two blocks of its softmax, to compute at a time. On two
    cores each of them gets one core; TensorFlow's default would split every operation into halves
    that wait for each other.

    Args:
      train_config: its two fields win over the choice made here.
      training: whether the process is about to train.

    Returns:
      TensorFlow's inter-op and intra-op threads; 0 leaves a number to TensorFlow.
    """
    asked = (train_config.inter_op_parallelism_threads, train_config.intra_op_parallelism_threads)
    return (2, 1) if training and asked == (0, 0) and _cores() == 2 else asked


def _cores() -> int:
    # What the process may use, where the system can tell.
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def use_threads(inter_op: int, intra_op: int) -> None:
    """Sets TensorFlow's threads, as `threads` returns them.

    Raises:
      RuntimeError: TensorFlow has already run an operation.
    """
    import tensorflow as tf

    if inter_op:
        tf.config.threading.set_inter_op_parallelism_threads(inter_op)
    if intra_op:
        tf.config.threading.set_intra_op_parallelism_threads(intra_op)


def shown_warnings(pipeline: Pipeline) -> list[str]:
    """Returns the config's warnings as lines.

    The warnings of a config saved by an earlier run were already shown; only their count is. The
    warnings about flags are always shown.
    """
    from easyrec_lite.config.save import CONFIG_FILE

    file, folder = Path(pipeline.file), pipeline.config.model_dir
    is_of_run = folder and fs.real_path(file).is_relative_to(fs.real_path(folder))
    if not is_of_run or file.name != CONFIG_FILE:
        return [str(warning) for warning in pipeline.warnings]
    known = [warning for warning in pipeline.warnings if warning.place.file == pipeline.file]
    lines = [str(warning) for warning in pipeline.warnings if warning not in known]
    if known:
        count = f"{len(known)} warning{'' if len(known) == 1 else 's'}"
        check = f"python -m easyrec_lite.check --config {shlex.quote(pipeline.file)}"
        lines.append(f"{pipeline.file}: {count}, as when it was trained; shown by {check}")
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
    """Drops the notes that TensorFlow's C++ code prints while it loads, before its log level holds.

    C++ writes to file descriptor 2, not to `sys.stderr`: the descriptor is pointed at a temporary
    file within the block, whose other lines are printed afterwards.
    """
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

    In a cluster with parameter servers, TensorFlow's clean-up is skipped: it would call servers
    that have already ended, and print a complaint about each.
    """
    if "tensorflow" in sys.modules:
        from easyrec_lite.distribution.cluster import VARIABLE

        if '"ps"' in os.environ.get(VARIABLE, ""):
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)
