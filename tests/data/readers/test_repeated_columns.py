"""Two columns of one name: no reader may choose one of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.scan import scan
from easyrec_lite.data.tables.sampler_table import read_sampler_table
from tests.data.reading import pipeline


@pytest.mark.parametrize("read", ["n", "s"])
@pytest.mark.parametrize("kind", ["CSVInput", "ParquetInput"])
def test_files(tmp_path: Path, kind: str, read: str) -> None:
    good, path = tmp_path / "a", tmp_path / "b"
    if kind == "CSVInput":
        good.write_text("s,n,z\nx,1,2\n")
        path.write_text("s,n,s\nx,1,2\n")
    else:
        cells = [pa.array(["x"]), pa.array([1]), pa.array(["2"])]
        pq.write_table(pa.Table.from_arrays(cells, ["s", "n", "z"]), good)
        pq.write_table(pa.Table.from_arrays(cells, ["s", "n", "s"]), path)
    config = pipeline(f"{read}:STRING", "with_header: true", kind)
    with pytest.raises(DataError) as told:
        open_reader(config, str(tmp_path), training=True)
    for (problem,) in (told.value.problems, scan(config, str(tmp_path))):
        assert (problem.place.file, problem.path) == (str(path), "s")
        assert problem.found == "columns 1 and 3"
        assert problem.place.line == (kind == "CSVInput")


def test_the_header_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "items.txt"
    path.write_text("id:int64\tid:float\tfeature:string\n1\t1\tx\n")
    with pytest.raises(DataError) as told:
        read_sampler_table(path, ("id", "weight", "feature"))
    (problem,) = told.value.problems
    assert (problem.place.file, problem.place.line) == (str(path), 1)
    assert (problem.path, problem.found) == ("id", "columns 1 and 2")
