"""Every golden case is a parameter of the tests that ask for a `case`.

The cases are those in `CASES`, which are samples. Where the whole cases are at hand, they replace
their samples; one sample is compared all the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import golden_option
from tests.golden import CASES, MATCH_CASES
from tests.golden.case import Case, case_folders

# Compared as a sample even where it is there as a whole.
SAMPLED = "dssm_senet"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        root = golden_option(metafunc.config)
        whole = case_folders(root) if root else []
        match = root.with_name("golden_match") if root else None
        if match is not None and root.name == "golden":
            names = set(MATCH_CASES) - {each.name for each in case_folders(CASES)}
            whole += [each for each in case_folders(match) if each.name in names]
        # Those in the repository are samples of whole ones, as test_sample.py shows.
        twins = {each.name for each in whole} - {SAMPLED}
        small = [folder for folder in case_folders(CASES) if folder.name not in twins]
        cases = [pytest.param(folder, id=folder.name) for folder in small]
        cases += [pytest.param(folder, id=f"whole-{folder.name}") for folder in whole]
        if root and not whole:
            cases.append(pytest.param(root, id="none"))
        metafunc.parametrize("case", cases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def case(request: pytest.FixtureRequest) -> Case:
    folder: Path = request.param
    if not (folder / "pipeline.config").is_file():
        pytest.fail(f"no golden cases in {folder}")
    return Case(folder)
