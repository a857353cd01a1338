"""The file system: its functions, and that no other module reaches files by itself."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import easyrec_lite
from easyrec_lite.core import filesystem as fs

PACKAGE = Path(easyrec_lite.__file__).parent

# Functions of modules that reach files, and methods that do, of a path in most programs.
FUNCTIONS = {
    "os": "open stat lstat listdir scandir walk rename replace remove unlink rmdir mkdir makedirs "
    "access utime truncate link symlink chmod statvfs removedirs renames fsync",
    "os.path": "exists isfile isdir getsize getmtime realpath samefile islink lexists",
    "shutil": "copy copy2 copyfile copytree move rmtree disk_usage make_archive unpack_archive",
    "tempfile": "TemporaryDirectory TemporaryFile NamedTemporaryFile mkdtemp mkstemp",
    "glob": "glob iglob",
    "io": "open",
    "np": "load save savez memmap fromfile loadtxt savetxt",
    "pq": "read_table read_schema read_metadata",
    "pa": "OSFile memory_map input_stream",
}
METHODS = (
    "open read_text write_text read_bytes write_bytes stat lstat glob rglob iterdir mkdir rename "
    "unlink exists is_file is_dir touch rmdir symlink_to hardlink_to resolve samefile chmod "
    "is_symlink"
)
# `replace` is a method of texts too, with two arguments.
RENAMING = "replace"
OWNERS = {
    "fs": "the file system itself",
    "gzip": "unpacks an open file",
    "functions": "a table of functions",
}

# Module → why it may reach files by itself.
ALLOWED = {
    "core/filesystem.py": "it is the file system",
    "core/locks.py": "a lock needs the operating system's descriptor",
    "protos/__init__.py": "the schema lies in the package, and this package imports no other",
    "data/cache/key.py": "it reads the source text of the package",
    "runs/process.py": "it redirects a descriptor of the operating system to a temporary file",
}


def calls(text: str) -> Iterator[str]:
    """Yields the calls in a module's text that reach files."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield ast.unparse(node)
        if not isinstance(node.func, ast.Attribute):
            continue
        owner, name = ast.unparse(node.func.value), node.func.attr
        if owner in FUNCTIONS:
            reaches = name in FUNCTIONS[owner].split()
        else:
            renames = name == RENAMING and len(node.args) == 1 and not node.keywords
            reaches = owner not in OWNERS and (name in METHODS.split() or renames)
        if reaches:
            yield ast.unparse(node)


def test_no_other_module_reaches_files_by_itself() -> None:
    found = {}
    for module in PACKAGE.rglob("*.py"):
        name = str(module.relative_to(PACKAGE))
        if name not in ALLOWED:
            found[name] = list(calls(module.read_text()))
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(
    "text",
    [
        "open('a')",
        "os.replace(a, b)",
        "a.replace(b)",
        "Path(a).read_text('utf-8')",
        "os.path.isfile(a)",
        "shutil.rmtree(a)",
        "folder.iterdir()",
    ],
)
def test_what_reaches_files_is_seen(text: str) -> None:
    assert list(calls(text)) == [text]


@pytest.mark.parametrize("text", ["a.replace('b', 'c')", "os.path.join(a, b)", "fs.exists(a)"])
def test_what_reaches_no_file_passes(text: str) -> None:
    assert list(calls(text)) == []


def test_the_example_runs() -> None:
    assert doctest.testmod(fs).failed == 0


def test_what_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert not fs.exists(missing)
    assert not fs.is_file(missing)
    assert not fs.is_dir(missing)
    assert not fs.is_file("a\0b")
    assert fs.paths(missing) == []
    fs.remove_file(missing, missing_ok=True)
    with pytest.raises(FileNotFoundError):
        fs.remove_file(missing)


def test_what_is_below_a_folder(tmp_path: Path) -> None:
    fs.make_folder(tmp_path / "b" / "c")
    fs.write_bytes(tmp_path / "b" / "c" / "x.txt", b"1\r\n2")
    fs.write_bytes(tmp_path / "a.txt", b"")
    below = [str(path.relative_to(tmp_path)) for path in fs.paths_below(tmp_path)]
    assert below == ["a.txt", "b", "b/c", "b/c/x.txt"]
    assert fs.paths(tmp_path, "*.txt") == [tmp_path / "a.txt"]
    assert fs.glob(f"{tmp_path}/**/*.txt") == sorted(map(str, tmp_path.rglob("*.txt")))
    assert fs.read_text(tmp_path / "b" / "c" / "x.txt") == "1\n2"
    fs.copy_file(tmp_path / "b" / "c" / "x.txt", tmp_path / "a.txt")
    assert fs.size(tmp_path / "a.txt") == 4
    fs.rename(tmp_path / "b", tmp_path / "d")
    fs.remove(tmp_path / "d")
    fs.remove(tmp_path / "a.txt")
    assert fs.names(tmp_path) == []
