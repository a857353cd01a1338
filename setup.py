"""Build steps that pyproject.toml cannot express: compile the schema, ship the configs.

The schema is compiled to a serialized descriptor set (with comments), never to Python code,
so that the installed package loads on any supported protobuf runtime.
"""

import shutil
from importlib import resources
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SCHEMA = Path("easyrec_lite", "protos", "schema.binpb")


def compile_schema(target: Path) -> None:
    """Compiles `protos/*.proto` into one descriptor set with source info at `target`."""
    from grpc_tools import protoc

    protos = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "protos").glob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT}",
            f"-I{well_known}",
            f"--descriptor_set_out={target}",
            "--include_source_info",
            "--include_imports",
            *(str(ROOT / proto) for proto in protos),
        ]
    )
    if code != 0:
        raise SystemExit(
            f"protoc failed on {len(protos)} files in {ROOT / 'protos'} (exit code {code})"
        )


class BuildPy(build_py):
    """`build_py` that adds the compiled schema and the shipped configs to the package.

    The schema is also left in the source tree (git-ignored): editable installs read it there,
    and so does `python -m easyrec_lite.…` started inside the clone.
    """

    def run(self) -> None:
        """Compiles the schema, then builds as usual."""
        compile_schema(ROOT / SCHEMA)
        super().run()
        if not self.editable_mode:
            built = Path(self.build_lib)
            self.mkpath(str(built / SCHEMA.parent))
            shutil.copy(ROOT / SCHEMA, built / SCHEMA)
            self.copy_tree(str(ROOT / "configs"), str(built / "easyrec_lite" / "configs"))


setup(cmdclass={"build_py": BuildPy})
