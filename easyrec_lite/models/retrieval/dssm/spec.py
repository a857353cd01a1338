"""DSSM: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.status import fields
from easyrec_lite.models.retrieval.spec import SIMILARITY_FIELDS, TOWER_FIELDS, FieldTowersSpec


@MODELS.declare
class DSSMSpec(FieldTowersSpec):
    """DNNs over the concatenated groups `user` and `item`, or those groups themselves."""

    name = "DSSM"
    module = "model"
    message = "dssm"
    layers_optional = True
    messages = {
        "DSSM": fields(TOWER_FIELDS + SIMILARITY_FIELDS),
        "DSSMTower": fields("id dnn"),
    }
