"""Input types of EasyRec that are not read here, and what to do instead."""

from __future__ import annotations

from easyrec_lite.checks.specs.reader import READERS

TABLE = "download the table as files, and name an input_type that reads them"
STREAM = "write the stream to files, and name an input_type that reads them"
RTP = "write a column for each feature to files, and name an input_type that reads them"

READERS.refuse(
    {
        "OdpsInput OdpsInputV2 OdpsInputV3 HiveInput": TABLE,
        "HiveParquetInput": "copy the table's files here, and name an input_type that reads them",
        "DataHubInput KafkaInput": STREAM,
        "RTPInput RTPInputV2 OdpsRTPInput OdpsRTPInputV2 HiveRTPInput": RTP,
        "BatchTFRecordInput": "write one row a record, and name an input_type that reads them",
        "CriteoInput": "convert the files, and name an input_type that reads them",
    }
)
