"""Build steps that pyproject.toml cannot express: compile the schema, ship the configs.

The schema is compiled to a serialized descriptor set (with comments) and to a type stub, never to
Python code, so that the installed package loads on any supported protobuf runtime.
"""

import re
import shutil
import tempfile
from importlib import resources
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PROTOS = Path("easyrec_lite", "protos")
SCHEMA = PROTOS / "schema.binpb"
STUB = PROTOS / "messages.pyi"
IMPORT = re.compile(r"^from .*\n", re.MULTILINE)
# The file's descriptor, and enum values beside their enum: the messages module has neither.
TOP_LEVEL_VALUE = re.compile(r"^\w+: .*\n", re.MULTILINE)
OTHER_FILE = re.compile(r"\b_(?!struct)\w+_pb2\.")


def compile_schema() -> None:
    """Writes the descriptor set, with source info, and the stub into the source tree."""
    from grpc_tools import protoc

    protos = sorted(str(path) for path in (ROOT / "protos").glob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        code = protoc.main(
            [
                "protoc",
                f"-I{ROOT}",
                f"-I{well_known}",
                f"--descriptor_set_out={ROOT / SCHEMA}",
                "--include_source_info",
                "--include_imports",
                f"--pyi_out={folder}",
                *protos,
            ]
        )
        if code != 0:
            raise SystemExit(
                f"protoc failed on {len(protos)} files in {ROOT / 'protos'} (exit code {code})"
            )
        stubs = [path.read_text("utf-8") for path in sorted(Path(folder).rglob("*.pyi"))]
    (ROOT / STUB).write_text(one_stub(stubs), "utf-8")


def one_stub(stubs: list[str]) -> str:
    """Joins the stubs of the proto files, which import one another, into one."""
    lines = {line for stub in stubs for line in IMPORT.findall(stub)}
    imports = sorted(line for line in lines if not line.startswith("from protos import"))
    bodies = [TOP_LEVEL_VALUE.sub("", IMPORT.sub("", stub)).strip() for stub in stubs]
    text = "".join(imports) + "\n" + "\n\n".join(bodies) + "\n"
    return OTHER_FILE.sub("", text).replace("**kwargs)", "**kwargs: object)")


class BuildPy(build_py):
    """`build_py` that adds the compiled schema, its stub and the shipped configs to the package.

    The schema and the stub are also left in the source tree (git-ignored): editable installs read
    them there, and so do mypy and `python -m easyrec_lite.…` started inside the clone.
    """

    def run(self) -> None:
        """Compiles the schema, then builds as usual."""
        compile_schema()
        super().run()
        if not self.editable_mode:
            built = Path(self.build_lib)
            self.mkpath(str(built / PROTOS))
            for file in (SCHEMA, STUB):
                shutil.copy(ROOT / file, built / file)
            self.copy_tree(str(ROOT / "configs"), str(built / "easyrec_lite" / "configs"))


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildPy})
