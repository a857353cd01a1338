"""What a reader declares of itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

from easyrec_lite.checks.specs.base import Spec, register
from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.core.registry import ComponentRegistry

if TYPE_CHECKING:
    import pyarrow as pa

    from easyrec_lite.checks.columns import InputField
    from easyrec_lite.checks.view import View
    from easyrec_lite.config.pipeline import Pipeline


class SampledRow(NamedTuple):
    """A row that was read to be checked.

    Attributes:
      place: its file and line.
      problems: what is wrong with it.
      values: field name → value; empty when it has problems.
    """

    place: Place
    problems: list[Problem]
    values: dict[str, Any]


T = TypeVar("T")


class PlainReader(Protocol):
    """Reads files without TensorFlow: to check their first rows, and to count items."""

    def sample(self, files: Sequence[str], count: int) -> Iterator[SampledRow]:
        """Yields the first `count` rows.

        Raises:
          DataError: a file cannot be read at all.
        """

    def notes(self, files: Sequence[str]) -> list[Problem]:
        """Returns what the first rows tell of the files as a whole.

        Raises:
          DataError: a file cannot be read at all.
        """

    def text(self, files: Sequence[str], fields: Sequence[InputField]) -> Iterator[pa.Table]:
        """Yields parts of the files as tables of text, a column a field, without nulls.

        Raises:
          DataError: a file cannot be read, or lacks a column.
        """


class ReaderSpec(Spec):
    """A reader that `data_config.input_type` names.

    Its computation is a `Reader`, made from a `ReaderRequest`; see `easyrec_lite.data.readers`.

    Example:
      >>> class LogSpec(ReaderSpec):
      ...     name = "LogInput"
      ...     module = "reader"

    Attributes:
      reads_files: whether it reads the files that `train_input_path` names.
      runs_python: whether it reads by Python code, which only the process that built the input can
        run: workers of parameter servers cannot.
      reads_text: whether its files are text, in the encoding that `data_config.encoding` names.
      lists: whether a cell may be a list of values.
      plain: the module, in the spec's folder, whose `plain_reader(pipeline)` returns a
        `PlainReader`; "" where its files cannot be read without TensorFlow.
    """

    reads_files: ClassVar[bool] = True
    runs_python: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False
    lists: ClassVar[bool] = False
    plain: ClassVar[str] = ""

    def check(self, view: View) -> Iterator[Problem]:
        """Yields what is wrong with the config as this reader sees it."""
        yield from ()

    def plain_reader(self, pipeline: Pipeline) -> PlainReader | None:
        """Returns what reads the files of a config without TensorFlow; None for nothing."""
        if not self.plain:
            return None
        folder = type(self).__module__.rpartition(".")[0]
        return cast(
            PlainReader, importlib.import_module(f"{folder}.{self.plain}").plain_reader(pipeline)
        )


READERS: ComponentRegistry[ReaderSpec] = ComponentRegistry(
    "input_type", "easyrec_lite.data.readers"
)


def register_reader(declared: str | type[ReaderSpec], **attributes: Any) -> Callable[[T], T]:
    """Returns a decorator that makes a class the reader of an `input_type`.

    The class is made of a `ReaderRequest`; most readers are subclasses of `RecordReader`.

    Args:
      declared: an `input_type` of the schema that is not offered; or the reader's spec.
      **attributes: attributes of the spec that is made of a name, such as `runs_python`.

    Raises:
      ValueError: the input type is offered already.
    """
    return register(READERS, ReaderSpec, declared, attributes)


def reader_names(**attributes: object) -> list[str]:
    """Returns the names of the readers whose specs have these attributes, sorted.

    Example:
      >>> reader_names(reads_files=False)
      ['DummyInput']
    """
    return [
        name
        for name in READERS.names()
        if all(getattr(READERS.spec(name), key) == value for key, value in attributes.items())
    ]
