"""The examples run as their page says, on data made for the test, and compute what they say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.datasets import __main__ as datasets
from examples.field_gate import FieldGate
from tests.commands import call
from tests.e2e.running import few_features

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "examples" / "README.md"
COMMANDS = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
ROWS = ["--rows", "600", "--users", "120", "--items", "80"]


def test_field_gate_weighs_fields() -> None:
    fields = [tf.constant([[1.0, 2.0]]), tf.constant([[3.0]])]
    np.testing.assert_array_equal(FieldGate()(fields), [[1, 2, 3]])
    weight = 2 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(FieldGate(0.5)(fields), weight * np.array([[1, 2, 3]]), rtol=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    call(datasets, ["taobao-synthetic", "--out", str(folder / "data/taobao-synthetic"), *ROWS])
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_runs(command: str, folder: Path) -> None:
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["python", "-m", "easyrec_lite.train"]
    edits = json.loads(words[words.index("--edit_config_json") + 1])
    small = {"train_config.num_steps": 3, "data_config.batch_size": 32, **few_features()}
    words[words.index("--edit_config_json") + 1] = json.dumps({**edits, **small})
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    export = folder / words[words.index("--model_dir") + 1] / "export" / "final" / "3"
    tower = tf.saved_model.load(str(export / "item_tower")).signatures["serving_default"]
    columns = {name: tf.constant(["7"]) for name in tower.structured_input_signature[1]}
    assert tower(**columns)["item_tower_emb"].shape == (1, 32)


def test_they_are_short_and_import_the_package_alone() -> None:
    for file in PAGE.parent.glob("*.py"):
        text = file.read_text("utf-8")
        assert len(text.splitlines()) < 100
        assert not re.search(r"\beasyrec_lite\.\w", re.sub(r"python -m \S+", "", text)), file
