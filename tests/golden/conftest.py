"""Every folder of golden cases is a parameter of the tests that ask for a `case`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import golden_option
from tests.golden.case import Case, case_folders


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        root = golden_option(metafunc.config)
        folders: list[Path | None] = [*case_folders(root)] if root else []
        metafunc.parametrize(
            "case",
            folders or [None],
            ids=lambda folder: folder.name if folder else "none",
            indirect=True,
            scope="session",
        )


@pytest.fixture(scope="session")
def case(request: pytest.FixtureRequest) -> Case:
    if request.param is None:
        pytest.fail(f"no golden cases in {request.getfixturevalue('golden_dir')}")
    return Case(request.param)
