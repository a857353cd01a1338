"""MultiTowerRecall: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.attention import SequenceAttention
from easyrec_lite.checks.specs.model import MODELS, DenseLayer
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.models.retrieval.row_spec import RowSpec
from easyrec_lite.models.retrieval.spec import Problems, check_dnn, dnn_layers, group_width
from easyrec_lite.protos.messages import DNN
from easyrec_lite.protos.messages import MultiTowerRecall as Params

USER, ITEM = "user", "item"
FLOAT = 4
# A step is compared as [k, h, k − h, k · h].
COMPARED = 4


def dnns_of(params: Params) -> dict[str, DNN]:
    """Returns the networks of users, items and both, by the names of their messages."""
    return {
        "user_tower.dnn": params.user_tower.dnn,
        "item_tower.dnn": params.item_tower.dnn,
        "final_dnn": params.final_dnn,
    }


def reads_pairs(params: Params, attentions: tuple[SequenceAttention, ...]) -> bool:
    """Returns whether sampled items change what training computes of the rows.

    They do so by the moments of batch normalisation alone.
    """
    scores = [each.config.seq_dnn for each in attentions]
    return any(dnn.use_bn for dnn in (*dnns_of(params).values(), *scores))


@MODELS.declare
class MultiTowerRecallSpec(RowSpec):
    """A network over the user, attended by the item, and the item."""

    name = "MultiTowerRecall"
    module = "model"
    message = "multi_tower_recall"
    messages = {
        "MultiTowerRecall": fields(
            "user_tower item_tower final_dnn l2_regularization",
            warned={
                "ignore_in_batch_neg_sam": "each row is scored alone, no other row's item competes"
            },
        ),
        "RecallTower": fields("dnn"),
    }
    reads_attention = True
    reads_pairs = True
    user_groups = (USER,)
    item_groups = (ITEM,)

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of the three networks, and the last one."""
        user, item, final = dnns_of(self.params(view.model_config)).values()
        joined = sum(dnn.hidden_units[-1] for dnn in (user, item) if dnn.hidden_units)
        return [
            *dnn_layers(user, group_width(view, [USER])),
            *dnn_layers(item, group_width(view, [ITEM])),
            *dnn_layers(final, joined),
            DenseLayer(final.hidden_units[-1] if final.hidden_units else joined, 1),
        ]

    def memory(self, view: View) -> dict[str, int]:
        """Returns what the pairs of rows and sampled items take: vectors, layers, steps."""
        attentions = view.attentions.get(USER, ())
        params = self.params(view.model_config)
        if view.sampler is None or not reads_pairs(params, attentions):
            return {}
        width = group_width(view, [USER, ITEM])
        width += sum(layer.units for layer in self.dense_layers(view) or ())
        for attention in attentions:
            steps = max((each.config.max_seq_len for each in attention.histories), default=0)
            units = COMPARED * attention.history_width + sum(attention.units)
            width += max(steps, 1) * units
        pairs = view.data.batch_size * view.sampler.config.num_sample
        return {"pairs with sampled items": pairs * width * 2 * FLOAT}

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        yield from self.check_sequences(view, ())
        if view.model is not None and self.params_given(view):
            for name, dnn in dnns_of(self.params(view.model_config)).items():
                yield from check_dnn(view, Named(name, f"{self.path()}.{name}", dnn), False)
        yield from self._user_group(view)
        yield from self._sampled(view)

    def _user_group(self, view: View) -> Problems:
        group = view.groups.get(USER)
        if group is None:
            return
        if not group.config.negative_sampler:
            yield view.error(
                group.path,
                f"{self.name} attends for each item, and group {USER!r} does not say so",
                expected="negative_sampler: true",
                remedy=f"set negative_sampler: true in group {USER!r}",
            )
        if not group.config.sequence_features:
            yield view.error(
                group.path,
                f"group {USER!r} of {self.name} has no history to attend to",
                expected="sequence_features { seq_att_map { key hist_seq } }",
                remedy="add sequence_features keyed by a feature of the item; without a history "
                "use a model of two towers, such as DSSM",
            )
        for attention in view.attentions[USER]:
            for field, path, name in attention.named():
                if field == "aux_hist_seq":
                    yield view.error(
                        path,
                        f"{self.name} does not pool aux_hist_seq {name!r}",
                        expected="key and hist_seq alone",
                        remedy="name it in hist_seq, with a feature of the item as its key",
                    )

    def _sampled(self, view: View) -> Problems:
        if view.sampler is None:
            return
        params = self.params(view.model_config)
        paired = reads_pairs(params, view.attentions.get(USER, ()))
        yield view.warning(
            view.sampler.path,
            f"sampled items do not train {self.name}: the label is that of the row's own item"
            + (
                "; they only move the moments of batch normalisation, as in EasyRec, and the "
                f"model is computed for {view.sampler.config.num_sample} more items a row"
                if paired
                else ", and without batch normalisation they change nothing but regularisation"
            ),
            remedy="remove the sampler, and give rows with label 0; or use DSSM",
        )
