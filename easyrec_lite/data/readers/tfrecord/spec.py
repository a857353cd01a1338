"""`TFRecordInput`: TFRecord files of `tf.train.Example`s, a row a record."""

from __future__ import annotations

from easyrec_lite.checks.specs.reader import READERS, ReaderSpec


@READERS.declare
class TFRecordSpec(ReaderSpec):
    """Records of serialized `tf.train.Example`s."""

    name = "TFRecordInput"
    module = "reader"
    plain = "plain"
