"""`--continue_train=false`: an earlier run's model folder is renamed, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from easyrec_lite.checks.rules.files import inputs
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.training.log import FILE as LOG

# One of these is in every model folder.
_SIGNS = (CONFIG_FILE, LOG, "model.ckpt-*.index")


def set_aside(pipeline: Pipeline) -> None:
    """Renames `model_dir`, if it holds a run, so that training starts afresh.

    Raises:
      ConfigError: the folder is not one of a run, or the command needs what is in it.
      RunError: a run trains into it.
    """
    folder = Path(pipeline.config.model_dir)
    if not fs.is_dir(folder) or not fs.names(folder):
        return
    problems = list(_problems(pipeline, folder))
    if problems:
        raise ConfigError(problems)
    with exclusive_run(folder):
        pass
    number = 1
    while fs.exists(target := folder.with_name(f"{folder.name}.old-{number}")):
        number += 1
    fs.rename(folder, target)
    print(f"{folder} was renamed to {target}: --continue_train=false starts afresh")


def _problems(pipeline: Pipeline, folder: Path) -> Iterator[Problem]:
    """Yields why the folder must not be renamed."""
    whole = fs.real_path(folder)
    place = pipeline.place("model_dir")
    if not any(fs.paths(folder, sign) for sign in _SIGNS):
        yield Problem(
            "--continue_train=false would rename this folder, which is not a model folder",
            place,
            "model_dir",
            expected=f"a folder with {CONFIG_FILE} or checkpoints",
            found=f"{folder} with " + ", ".join(fs.names(folder)[:5]),
            remedy="give another --model_dir",
        )
    if fs.real_path(".").is_relative_to(whole):
        yield Problem(
            "--continue_train=false would rename the current folder",
            place,
            "model_dir",
            found=str(whole),
            remedy="start the command from a folder above, or give another --model_dir",
        )
    for path, value in inputs(View(pipeline)):
        if fs.real_path(value).is_relative_to(whole):
            yield Problem(
                f"{value} is in model_dir, which --continue_train=false would rename",
                pipeline.place(path),
                path,
                expected=f"a path outside {folder}",
                remedy="move the file out of model_dir, or give another --model_dir",
            )
