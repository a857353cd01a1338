"""DSSM with SENet: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.layers import fields_of
from easyrec_lite.checks.specs.model import MODELS, DenseLayer
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.layers.senet.spec import SENetSpec
from easyrec_lite.models.retrieval.spec import (
    SIMILARITY_FIELDS,
    TOWER_FIELDS,
    FieldTowersSpec,
    Problems,
)


@MODELS.declare
class DSSMSENetSpec(FieldTowersSpec):
    """DNNs over the fields of `user` and `item`, which SENets weight first."""

    name = "DSSM_SENet"
    module = "model"
    message = "dssm_senet"
    messages = {
        "DSSM_SENet": fields(TOWER_FIELDS + SIMILARITY_FIELDS),
        "DSSM_SENet_Tower": fields("id senet dnn"),
    }

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        for tower, group in zip(self.towers(view).values(), ("user", "item"), strict=False):
            yield from _senet(view, tower, group)

    def field_layers(self, tower: Named, widths: list[int]) -> list[DenseLayer]:
        """Returns the two dense layers of the tower's SENet."""
        senet = tower.config.senet
        squeezed = 2 * senet.num_squeeze_group * len(widths)
        excited = max(1, squeezed // max(1, senet.reduction_ratio))
        return [DenseLayer(squeezed, excited), DenseLayer(excited, sum(widths))]


def _senet(view: View, tower: Named, group: str) -> Problems:
    """The SENet cuts every field's embedding into equal parts."""
    config = tower.config.senet
    yield from SENetSpec().check_at(fields_of(config), view.pipeline, f"{tower.path}.senet")
    for field in ("use_skip_connection", "use_output_layer_norm"):
        if config.HasField(field):
            yield view.warning(
                f"{tower.path}.senet.{field}",
                f"{field} has no effect in DSSM_SENet, which only reweights the fields",
                remedy="leave it out, or use the SENet layer of a backbone",
            )
    if config.num_squeeze_group:
        yield from _equal_parts(view, tower, group)


def _equal_parts(view: View, tower: Named, group: str) -> Problems:
    parts = tower.config.senet.num_squeeze_group
    for feature in view.group_features(group):
        dim = feature.width
        if not dim or dim % parts == 0:
            continue
        field = "embedding_dim" if feature.config.embedding_dim else "raw_input_dim"
        near = [near for near in (dim // parts * parts, dim // parts * parts + parts) if near]
        yield view.error(
            f"{feature.path}.{field}",
            f"the SENet of {tower.name} cannot cut feature {feature.name!r} into {parts} parts",
            expected=f"a dim that num_squeeze_group {parts} divides",
            found=f"dim {dim}",
            nearest=" or ".join(map(str, near)),
            remedy=f"change {field}, or senet.num_squeeze_group",
        )
