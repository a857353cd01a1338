"""Attention over the steps: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS, SequenceCombinerSpec


@SEQUENCE_COMBINERS.declare
class AttentionPoolingSpec(SequenceCombinerSpec):
    """The steps' vectors, weighted by a softmax over a learned score of each."""

    name = "attention"
    module = "combiner"
    message = "attention"
