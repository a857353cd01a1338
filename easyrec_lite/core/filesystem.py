"""The file system: the one place where this package opens, lists, renames and removes files.

All files are local. Another file system (HDFS, an object store) would be added in this module: the
primitives choose by the path, the functions below are written in terms of the primitives, and no
other module calls `open`, `os` or `pathlib` for more than the text of a path. A test holds that.

TensorFlow opens its data files, checkpoints and SavedModels itself, by its own file systems.

Example:
    >>> import tempfile
    >>> from easyrec_lite.core import filesystem as fs
    >>> folder = Path(tempfile.mkdtemp())
    >>> fs.write_text(folder / "a.txt", "one")
    >>> fs.names(folder), fs.read_text(folder / "a.txt"), fs.size(folder / "a.txt")
    (['a.txt'], 'one', 3)
    >>> fs.remove_folder(folder)
    >>> fs.exists(folder)
    False
"""

from __future__ import annotations

import errno
import fnmatch
import glob as patterns
import math
import os
import shutil
import stat as modes
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, TextIO, cast

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Name = str | os.PathLike[str]


# Primitives.


def open_binary(path: Name, mode: str = "rb") -> BinaryIO:
    """Opens a file of bytes.

    Args:
      path: the file.
      mode: `rb`, `wb`, `ab` or `r+b`, as of `open`.
    """
    return cast(BinaryIO, open(path, mode))


def open_text(path: Name, mode: str = "r", newline: str | None = None) -> TextIO:
    """Opens a file of UTF-8 text; `mode` and `newline` are those of `open`."""
    return cast(TextIO, open(path, mode, encoding="utf-8", newline=newline))


def open_arrow(path: Name, mode: str = "rb") -> pa.NativeFile:
    """Opens a file for pyarrow, which uses it without holding Python's lock; `rb` or `wb`."""
    import pyarrow as pa

    return pa.OSFile(os.fspath(path), mode)


def open_unpacked(path: Name) -> pa.NativeFile:
    """Opens a file for pyarrow; a compressed one, by its name, is unpacked as it is read."""
    import pyarrow as pa

    return pa.input_stream(os.fspath(path), compression="detect")


def mapped_array(
    path: Name, dtype: str, shape: tuple[int, ...], writable: bool = False
) -> np.ndarray:
    """Returns the numbers of a file, which the system reads when they are used.

    Args:
      path: the file.
      dtype: NumPy's name of their type.
      shape: of the array; the file holds as many numbers.
      writable: whether what is written to the array reaches the file.
    """
    import numpy as np

    if not math.prod(shape):
        return np.zeros(shape, dtype)
    # A plain view is faster to index than a memmap.
    return np.memmap(path, dtype, "r+" if writable else "r", shape=shape).view(np.ndarray)


def load_array(path: Name) -> np.ndarray:
    """Returns the array of a `.npy` file.

    Raises:
      ValueError, EOFError: it is not a `.npy` file of plain values.
    """
    import numpy as np

    with open_binary(path) as file:
        array: np.ndarray = np.load(file, allow_pickle=False)
        return array


def stat(path: Name) -> os.stat_result:
    """Returns the size, the type and the times of a file or folder."""
    return os.stat(path)


def names(folder: Name) -> list[str]:
    """Returns the names in a folder, sorted."""
    return sorted(os.listdir(folder))


def make_folder(path: Name) -> None:
    """Makes a folder and those above it; one that exists stays as it is."""
    os.makedirs(path, exist_ok=True)


def rename(path: Name, target: Name) -> None:
    """Renames a file or folder in one step; a file, or an empty folder, at `target` is replaced."""
    os.replace(path, target)


def remove_file(path: Name, missing_ok: bool = False) -> None:
    """Removes a file; where `missing_ok`, it need not exist."""
    Path(path).unlink(missing_ok)


def remove_folder(path: Name, ignore_errors: bool = False) -> None:
    """Removes a folder with everything in it."""
    shutil.rmtree(path, ignore_errors)


@contextmanager
def temporary_folder(within: Name | None = None) -> Iterator[Path]:
    """Gives an empty folder that is removed at the end of the block.

    Args:
      within: the folder to make it in; None is the system's.
    """
    with tempfile.TemporaryDirectory(dir=within) as folder:
        yield Path(folder)


def touch(path: Name) -> None:
    """Sets the time of change of an existing file or folder to now."""
    os.utime(path)


def sync(file: IO[bytes]) -> None:
    """Waits until the content of an open file is on the disk."""
    os.fsync(file.fileno())


def sync_folder(path: Name) -> None:
    """Waits until the names in a folder are on the disk, where its file system can do that."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(folder)


def readable(path: Name) -> bool:
    """Returns whether this process may read the file."""
    return os.access(path, os.R_OK)


def free_bytes(folder: Name) -> int:
    """Returns how many bytes can still be written below a folder."""
    return shutil.disk_usage(folder).free


def real_path(path: Name) -> Path:
    """Returns the absolute path without symbolic links."""
    return Path(path).resolve()


def same(path: Name, other: Name) -> bool:
    """Returns whether two paths name one file or folder, which exists; links are followed."""
    try:
        return os.path.samestat(stat(path), stat(other))
    except FileNotFoundError:
        return False


# In terms of the primitives.


def _mode(path: Name) -> int:
    try:
        return stat(path).st_mode
    except (OSError, ValueError):
        return 0


def exists(path: Name) -> bool:
    """Returns whether there is a file or folder."""
    return _mode(path) != 0


def is_file(path: Name) -> bool:
    """Returns whether there is a regular file."""
    return modes.S_ISREG(_mode(path))


def is_dir(path: Name) -> bool:
    """Returns whether there is a folder."""
    return modes.S_ISDIR(_mode(path))


def size(path: Name) -> int:
    """Returns the bytes of a file."""
    return stat(path).st_size


def paths(folder: Name, pattern: str = "*") -> list[Path]:
    """Returns the paths in a folder whose names match `pattern`, sorted; none for no folder."""
    try:
        return [Path(folder, name) for name in names(folder) if fnmatch.fnmatchcase(name, pattern)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def paths_below(folder: Name) -> Iterator[Path]:
    """Yields all files and folders below a folder, those of a folder sorted."""
    for path in paths(folder):
        yield path
        if is_dir(path) and not path.is_symlink():
            yield from paths_below(path)


def glob(pattern: str) -> list[str]:
    """Returns the files and folders that match a pattern of a shell, sorted; `**` is any depth."""
    return sorted(patterns.glob(pattern, recursive=True))


def is_glob(pattern: str) -> bool:
    """Returns whether a path is a pattern."""
    return patterns.has_magic(pattern)


def read_bytes(path: Name) -> bytes:
    """Returns the content of a file."""
    with open_binary(path) as file:
        return file.read()


def read_text(path: Name, errors: str = "strict") -> str:
    """Returns the UTF-8 text of a file, line ends as `\\n`, without a byte-order mark."""
    text = read_bytes(path).decode("utf-8-sig", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_bytes(path: Name, content: bytes) -> None:
    """Writes a file, not atomically: see `easyrec_lite.core.files`."""
    with open_binary(path, "wb") as file:
        file.write(content)


def write_text(path: Name, text: str) -> None:
    """Writes a file of UTF-8 text, not atomically: see `easyrec_lite.core.files`."""
    write_bytes(path, text.encode())


def copy_file(path: Name, target: Name) -> None:
    """Copies the content of a file; an existing file at `target` is replaced."""
    with open_binary(path) as source, open_binary(target, "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def remove(path: Name) -> None:
    """Removes a file, or a folder with everything in it."""
    if is_dir(path):
        remove_folder(path)
    else:
        remove_file(path)
