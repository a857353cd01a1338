"""Fixtures and options shared by all tests."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from pathlib import Path

import absl.logging
import pytest

SHARED = "EASYREC_LITE_SHARED"
# Folders whose tests train whole models or start several processes.
SLOW = {"benchmarks", "distribution", "e2e", "examples"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden", metavar="DIR", help="folder of whole golden cases to compare with, too"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        if item.path.relative_to(tests).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What is loaded now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _log_levels() -> None:
    """Log levels are those of a new process; commands set them, and TensorFlow when it saves."""
    absl.logging.set_verbosity(absl.logging.INFO)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("easyrec_lite").setLevel(logging.NOTSET)


@pytest.fixture
def empty_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are written without SavedModels, for tests of whether there is an export."""
    monkeypatch.setattr("easyrec_lite.serving.export.save_model", lambda *_: {})


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """`train` ends without its report, for tests of what else it does."""
    monkeypatch.setattr("easyrec_lite.reporting.write.report_after", lambda _: "")


def shared_folder(name: str) -> Path:
    """Returns folder `name` of the shared material; skips when it is not configured."""
    root = os.environ.get(SHARED)
    if not root:
        pytest.skip(f"the environment variable {SHARED} names no folder of shared test data")
    folder = Path(root, name)
    if not folder.is_dir():
        pytest.fail(f"{SHARED}={root}, but there is no folder {folder}")
    return folder


def golden_option(config: pytest.Config) -> Path | None:
    """Returns the folder of golden cases that was asked for, whether it is there or not."""
    given, root = config.getoption("--golden"), os.environ.get(SHARED)
    return Path(given) if given else Path(root, "golden") if root else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return shared_folder("data")


@pytest.fixture(scope="session")
def taobao_rows(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: runs keep transformed rows beside their data."""
    folder = tmp_path_factory.mktemp("taobao")
    return Path(shutil.copy(shared_data / "taobao" / "taobao_test_data", folder))
