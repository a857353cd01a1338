"""The order of the packages, and one home for each name: both by walking the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import easyrec_lite
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.core.registry import ComponentRegistry

PACKAGE = Path(easyrec_lite.__file__).parent
# From the top to the bottom: a package imports only what stands to the right of it. The modules
# beside the packages are the commands, which nothing imports.
ORDER = (
    *("tuning", "runs", "reporting", "serving", "evaluation", "distribution", "training", "models"),
    *("metrics", "losses", "features", "layers", "data", "checks", "config", "core", "protos"),
)
# No text names one of these outside its folder.
SPOKEN = (MODELS, LOSSES, READERS)
# No text is one of these names outside its folder: remedies may speak of them.
COMPARED = (LAYERS, FEATURE_KINDS, SAMPLERS, METRICS)
# Fields of the schema, and words of texts, that happen to be the name of a component too.
WORDS = {"negative_sampler", "precision", "recall", "auc", "gauc", "accuracy", "calibration"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yields the modules of the package that a module imports, also inside its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("easyrec_lite."))


def unit(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else path.stem


def test_every_package_has_its_place() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == {*ORDER, "datasets"}


def test_imports_lead_down() -> None:
    up = []
    for path, tree in sources():
        importer = unit(path)
        if importer == "__init__":  # the public names, loaded when they are used
            continue
        for module in imported(tree):
            target = module.split(".")[1]
            if target == importer or target == "__version__":
                continue
            known = target in ORDER
            below = importer not in ORDER or (known and ORDER.index(target) > ORDER.index(importer))
            if not (known and below):
                up.append(f"{path} imports {module}")
    assert up == []


def test_core_and_config_know_nothing_above_them() -> None:
    for path, tree in sources():
        if unit(path) in ("core", "config"):
            for module in imported(tree):
                assert module.split(".")[1] in ("core", "config", "protos"), (path, module)


def texts(tree: ast.Module) -> Iterator[str]:
    """Yields the string constants of a module that are no docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def texts_elsewhere(registry: ComponentRegistry) -> Iterator[tuple[Path, str]]:
    home = registry.package.removeprefix("easyrec_lite.").replace(".", "/")
    for path, tree in sources():
        if not path.as_posix().startswith(f"{home}/") and unit(path) not in (
            "datasets",
            "__init__",
        ):
            yield from ((path, text) for text in texts(tree))


@pytest.mark.parametrize("registry", SPOKEN, ids=lambda each: each.kind)
def test_no_text_names_a_model_loss_or_reader_outside_its_folder(
    registry: ComponentRegistry,
) -> None:
    assert registry.names()
    named = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, registry.names()))})(?!\w)")
    elsewhere = [each for each in texts_elsewhere(registry) if named.search(each[1])]
    assert elsewhere == []


@pytest.mark.parametrize("registry", COMPARED, ids=lambda each: each.kind)
def test_no_name_of_a_component_is_compared_with_outside_its_folder(
    registry: ComponentRegistry,
) -> None:
    names = set(registry.names()) - WORDS
    assert names
    assert [each for each in texts_elsewhere(registry) if each[1] in names] == []
