"""What readers declare of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import easyrec_lite.data.readers as package
from easyrec_lite.checks.specs.reader import READERS, PlainReader
from easyrec_lite.data.readers.base import Reader
from tests.data.reading import pipeline

NAMES = READERS.names()


def test_every_input_type_of_the_schema_is_read_or_refused() -> None:
    data = pipeline("a").config.data_config
    known = {value.name for value in data.DESCRIPTOR.fields_by_name["input_type"].enum_type.values}
    assert {*NAMES, *READERS.refused()} == known
    assert not {*NAMES} & {*READERS.refused()}


def test_every_reader_has_its_computation() -> None:
    assert all(issubclass(READERS.get(name), Reader) for name in NAMES)


def test_what_is_read_without_tensorflow() -> None:
    code = (
        "import sys\n"
        "from easyrec_lite.checks.specs.reader import READERS\n"
        "from easyrec_lite.config.pipeline import Pipeline\n"
        "from easyrec_lite.protos.messages import EasyRecConfig\n"
        "made = Pipeline(EasyRecConfig(), None)\n"
        "assert all(s.plain_reader(made) for s in READERS.specs() if s.plain)\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    plain: list[PlainReader] = [
        spec.plain_reader(pipeline("a")) for spec in READERS.specs() if spec.plain
    ]
    assert len(plain) == 3


def test_an_unserved_type_says_what_to_do() -> None:
    problem = READERS.unknown("OdpsInput")
    assert "OdpsInput" in problem.message
    assert all(name in problem.expected for name in NAMES)
    assert not any(name in problem.remedy for name in NAMES)


def test_no_reader_is_named_outside_its_folder() -> None:
    folder = Path(package.__file__).parent
    for module in folder.parents[1].rglob("*.py"):
        home = module.relative_to(folder).parts[0] if folder in module.parents else ""
        for name in NAMES:
            own = READERS.spec(name).implementation.split(".")[-2]
            text = module.read_text()
            assert own == home or f'"{name}"' not in text, (module, name)
