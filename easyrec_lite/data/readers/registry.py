"""Which `data_config.input_type`s are read, and what to do about the others.

Nothing here imports TensorFlow, so a config can be checked against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.core.registry import Registry

if TYPE_CHECKING:
    from easyrec_lite.data.readers.base import Reader

NOWHERE = Place()
CSV = "easyrec_lite.data.readers.csv.reader"
PARQUET = "easyrec_lite.data.readers.parquet.reader"

READERS: Registry[type[Reader]] = Registry(
    "input_type",
    builtin={
        "CSVInput": CSV,
        "CSVInputV2": CSV,
        "CSVInputEx": CSV,
        "ParquetInput": PARQUET,
        "ParquetInputV2": PARQUET,
        "ParquetInputV3": PARQUET,
        "TFRecordInput": "easyrec_lite.data.readers.tfrecord.reader",
        "DummyInput": "easyrec_lite.data.readers.dummy.reader",
    },
)

TABLE = "download the table as Parquet or CSV files and use ParquetInput or CSVInput"
STREAM = "write the stream to files and use CSVInput or ParquetInput"
RTP = "write one column for each feature to CSV or Parquet and use CSVInput or ParquetInput"
REFUSED = {
    "OdpsInput": TABLE,
    "OdpsInputV2": TABLE,
    "OdpsInputV3": TABLE,
    "HiveInput": TABLE,
    "HiveParquetInput": "copy the table's Parquet files here and use ParquetInput",
    "DataHubInput": STREAM,
    "KafkaInput": STREAM,
    "RTPInput": RTP,
    "RTPInputV2": RTP,
    "OdpsRTPInput": RTP,
    "OdpsRTPInputV2": RTP,
    "HiveRTPInput": RTP,
    "BatchTFRecordInput": "write one row a record and use TFRecordInput",
    "CriteoInput": "convert the files to CSV or Parquet and use CSVInput or ParquetInput",
}


def refusal(name: str, place: Place = NOWHERE) -> Problem | None:
    """Returns the problem that input type `name` is not read, or None when it is."""
    if name in READERS:
        return None
    return Problem(
        message=f"input_type {name} is not read here",
        place=place,
        path="data_config.input_type",
        expected="one of " + ", ".join(READERS.names()),
        found=name,
        remedy=REFUSED.get(name, "use CSVInput or ParquetInput"),
    )
