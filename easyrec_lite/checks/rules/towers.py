"""Rules about the towers and the similarity of their outputs."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks import tables
from easyrec_lite.checks.view import LISTWISE, Named, View, enum_name
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
GROUPS = {"user_tower": "user", "item_tower": "item"}


def hidden_units(view: View) -> Problems:
    """Towers have layers, and outputs of one width."""
    for tower in view.towers.values():
        units = list(tower.config.dnn.hidden_units)
        if not units or 0 in units:
            yield view.error(
                f"{tower.path}.dnn.hidden_units" if units else f"{tower.path}.dnn",
                f"{tower.name} has a layer of 0 units" if units else f"{tower.name} has no layers",
                expected="hidden_units: one positive number a layer",
                remedy="set hidden_units, e.g. [128, 32]",
            )
        yield from _dropout(view, tower)
    yield from _equal_widths(view)


def _dropout(view: View, tower: Named) -> Problems:
    rates = list(tower.config.dnn.dropout_ratio)
    layers = len(tower.config.dnn.hidden_units) - 1
    for rate in rates:
        if not 0 <= rate < 1:
            yield view.error(
                f"{tower.path}.dnn.dropout_ratio",
                f"{tower.name} drops a share of {rate:g}",
                expected="at least 0, less than 1",
            )
    if rates and len(rates) < layers:
        yield view.error(
            f"{tower.path}.dnn.dropout_ratio",
            f"{tower.name} has {layers} layers that drop, and {len(rates)} dropout ratios",
            expected=f"{layers}, one for each layer but the last",
            remedy="add the missing ones; 0 drops nothing",
        )


def _equal_widths(view: View) -> Problems:
    units = {name: list(tower.config.dnn.hidden_units) for name, tower in view.towers.items()}
    if not all(units.values()) or not units:
        return
    user, item = units["user_tower"], units["item_tower"]
    if user[-1] != item[-1]:
        yield view.error(
            f"{view.towers['item_tower'].path}.dnn.hidden_units[{len(item) - 1}]",
            "the towers' last layers are of unequal width, so their outputs have no similarity",
            expected=f"{user[-1]}, as in user_tower",
            found=str(item[-1]),
            remedy="make the last hidden_units of both towers equal",
        )


def tower_ids(view: View) -> Problems:
    """A tower's `id` names a column or feature; it is a note to the reader and nothing more."""
    known = {*view.fields, *view.feature_by_name}
    for tower in view.towers.values():
        if tower.config.id not in known:
            problem = view.unknown(
                f"{tower.path}.id",
                f"id of {tower.name}:",
                tower.config.id,
                known,
                remedy="name the id's input field",
                severity="warning",
            )
            yield problem


def similarity(view: View) -> Problems:
    """The similarity is cosine or inner product, at a temperature above 0."""
    if view.model is None or not hasattr(view.model.config, "simi_func"):
        return
    path, config = view.model.path, view.model.config
    function = enum_name(config, "simi_func")
    if function == "EUCLID":
        yield view.error(
            f"{path}.simi_func",
            "simi_func EUCLID is not offered",
            expected="COSINE or INNER_PRODUCT",
            remedy="use COSINE: it ranks normalised vectors as the Euclidean distance does",
        )
    if config.temperature <= 0:
        yield view.error(
            f"{path}.temperature",
            f"temperature is {config.temperature:g}",
            expected="a positive number",
        )
    if view.model.name == "dat":
        if function != "COSINE":
            yield view.warning(
                f"{path}.simi_func",
                f"DAT always uses COSINE; simi_func {function} has no effect",
                remedy="leave simi_func out",
            )
    elif function == "INNER_PRODUCT" and config.temperature != 1:
        yield view.warning(
            f"{path}.temperature",
            "temperature has no effect with simi_func INNER_PRODUCT",
            remedy="leave temperature out, or use COSINE",
        )


def masks(view: View) -> Problems:
    """In-batch masks have what they need."""
    if view.model is None or not hasattr(view.model.config, "mask_sampled_by_item_id"):
        return
    path, config = view.model.path, view.model.config
    if config.item_id and config.item_id not in view.fields:
        yield view.unknown(
            f"{path}.item_id",
            "input field in item_id:",
            config.item_id,
            view.fields,
            remedy="name a field of data_config.input_fields",
        )
    if config.mask_sampled_by_item_id and not config.item_id:
        yield view.error(
            f"{path}.mask_sampled_by_item_id",
            "mask_sampled_by_item_id has no item id to compare",
            expected="item_id: an input field",
            remedy="set item_id",
        )
    if config.ignore_in_batch_neg_sam and view.listwise and view.sampler is None:
        yield view.error(
            f"{path}.ignore_in_batch_neg_sam",
            "without in-batch negatives and without a sampler there is nothing to learn from",
            expected="a negative sampler in data_config",
            remedy="add one, or leave ignore_in_batch_neg_sam out",
        )


def senet(view: View) -> Problems:
    """The SENet cuts every field's embedding into equal parts."""
    if view.model is None or view.model.name != "dssm_senet":
        return
    for tower in view.towers.values():
        config = tower.config.senet
        for field in ("num_squeeze_group", "reduction_ratio"):
            if getattr(config, field) == 0:
                yield view.error(
                    f"{tower.path}.senet.{field}", f"{field} is 0", expected="a positive number"
                )
        for field in ("use_skip_connection", "use_output_layer_norm"):
            if config.HasField(field):
                yield view.warning(
                    f"{tower.path}.senet.{field}",
                    f"{field} has no effect in DSSM_SENet, which only reweights the fields",
                    remedy="leave it out, or use the SENet layer of a backbone",
                )
        if config.num_squeeze_group:
            yield from _equal_parts(view, tower)


def _equal_parts(view: View, tower: Named) -> Problems:
    parts = tower.config.senet.num_squeeze_group
    for feature in view.group_features(GROUPS[tower.name]):
        dim = tables.width(feature)
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


def dual_augmented(view: View) -> Problems:
    """DAT is listwise, and its augmented vectors are as wide as its towers' outputs."""
    if view.model is None or view.model.name != "dat":
        return
    for loss in view.losses:
        if loss.name not in LISTWISE:
            yield view.error(
                loss.path,
                f"DAT cannot be trained by {loss.name}",
                expected="loss_type: SOFTMAX_CROSS_ENTROPY",
                found=loss.name + (" (the default)" if view.loss_is_default else ""),
                remedy="set model_config.loss_type: SOFTMAX_CROSS_ENTROPY",
            )
    for tower, group in (("user_tower", "user_id_augment"), ("item_tower", "item_id_augment")):
        yield from _augmented_width(view, tower, group)


def _augmented_width(view: View, tower: str, group: str) -> Problems:
    units = list(view.towers[tower].config.dnn.hidden_units)
    features = view.group_features(group)
    dims = [tables.width(feature) for feature in features]
    known = [dim for dim in dims if dim]
    if not units or not features or len(known) < len(dims) or sum(known) == units[-1]:
        return
    yield view.error(
        view.groups[group].path,
        f"the vector of group {group!r} is not as wide as the output of {tower}",
        expected=f"{units[-1]}, the last hidden_units of {tower}",
        found=" + ".join(
            f"{dim} ({feature.name})" for dim, feature in zip(known, features, strict=True)
        ),
        remedy="make embedding_dim of the group's feature and the last hidden_units equal",
    )


RULES = (hidden_units, tower_ids, similarity, masks, senet, dual_augmented)
