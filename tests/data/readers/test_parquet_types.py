"""Column types of Parquet files that no field can be read from."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.scan import scan
from tests.data.reading import column, pipeline

LABEL = 'label_fields: "n"'


@pytest.mark.parametrize(
    ("name", "cells", "type"),
    [
        ("s", [[["a"]]], pa.list_(pa.list_(pa.string()))),
        ("s", [[["a"]]], pa.list_(pa.large_list(pa.string()))),
        ("n", [[1]], pa.list_(pa.int64())),
    ],
)
def test_a_type_that_cannot_be_read_is_one_error(
    tmp_path: Path, name: str, cells: list, type: pa.DataType
) -> None:
    columns = {"n": pa.array([1]), "s": pa.array(["x"]), name: pa.array(cells, type)}
    path = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table(columns), path)
    config = pipeline("n:INT64 s", LABEL, "ParquetInput")
    with pytest.raises(DataError) as told:
        open_reader(config, path, training=True)
    for problems in (told.value.problems, scan(config, path)):
        (problem,) = problems
        assert (problem.place.file, problem.path) == (path, name)
        assert problem.found.startswith("list<")


def test_dictionaries_are_read_in_lists_too(tmp_path: Path) -> None:
    words = pa.dictionary(pa.int32(), pa.string())
    plain = pa.array(["a", "b"]).dictionary_encode()
    lists = pa.ListArray.from_arrays([0, 2, 2], plain.cast(words))
    path = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table({"n": [1, 0], "s": plain, "t": lists}), path)
    config = pipeline("n:INT64 s t", LABEL, "ParquetInput")
    assert scan(config, path) == []
    reader = open_reader(config, path, training=True)
    assert column(reader, "s") == [b"a", b"b"]
    assert column(reader, "t") == [[b"a", b"b"], []]
