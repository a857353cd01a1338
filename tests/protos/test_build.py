"""An sdist holds all that the build needs to make the schema and its stub, and ship the configs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ["setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"]
SHIPPED += ["easyrec_lite", "protos"]
MADE = ["schema.binpb", "messages.pyi"]
SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"

pytest.importorskip("grpc_tools", reason="building without isolation needs grpcio-tools")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked sdist of the sources as a fresh clone has them, one config added."""
    folder = tmp_path_factory.mktemp("sdist")
    clone = folder / "clone"
    clone.mkdir()
    leave_out = shutil.ignore_patterns("__pycache__", *MADE, "*.egg-info")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=leave_out)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, clone / name)
    (clone / "configs").mkdir()
    (clone / "configs" / "probe.config").write_text('model_dir: "probe"\n')
    _run([sys.executable, "-c", SDIST, str(folder)], clone)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


def test_wheel_from_sdist_holds_schema_stub_and_configs(sdist: Path, tmp_path: Path) -> None:
    assert not [name for name in MADE if (sdist / "easyrec_lite" / "protos" / name).exists()]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps"]
    command += ["--no-index", "--wheel-dir", str(tmp_path), str(sdist)]
    _run(command, tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        schema = packed.read("easyrec_lite/protos/schema.binpb")
    assert {"easyrec_lite/configs/probe.config", "easyrec_lite/py.typed"} <= names
    assert "easyrec_lite/protos/messages.pyi" in names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    clone = sdist.parents[1] / "clone"
    modules = {path.relative_to(clone).as_posix() for path in clone.glob("easyrec_lite/**/*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    templates = clone.glob("easyrec_lite/reporting/templates/*")
    assert {path.relative_to(clone).as_posix() for path in templates} <= names
    files = descriptor_pb2.FileDescriptorSet.FromString(schema).file
    sources = {f"protos/{path.name}" for path in clone.glob("protos/*.proto")}
    assert {file.name for file in files} == sources | {"google/protobuf/struct.proto"}
    assert all(file.source_code_info.location for file in files)


def test_a_proto_that_does_not_compile_stops_the_build(sdist: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(sdist, broken)
    (broken / "protos" / "dnn.proto").write_text('syntax = "proto2";\nmessage {}\n')
    command = [sys.executable, "setup.py", "-q", "build_py"]
    done = subprocess.run(command, cwd=broken, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "protoc failed on" in done.stderr
    assert "dnn.proto:2:9" in done.stderr
