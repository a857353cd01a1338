"""CoMetricLearningI2I: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.rules import full_ranking
from easyrec_lite.checks.specs.model import MODELS, DenseLayer, ModelSpec, Sides
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.models.retrieval.spec import Problems, check_dnn, dnn_layers, group_width
from easyrec_lite.protos.messages import CoMetricLearningI2I as Params
from easyrec_lite.protos.messages import EasyRecModel

# Fields of a highway network that EasyRec's model does not read.
IGNORED = ("activation", "dropout_rate", "init_gate_bias", "num_layers")


def groups_of(params: Params) -> tuple[str, ...]:
    """Returns the feature groups that the tower reads: `input`, then those of the highways."""
    return tuple(name for name in (params.input, *(each.input for each in params.highway)) if name)


@MODELS.declare
class CoMetricLearningI2ISpec(ModelSpec):
    """One tower of items, trained so that the items of a session are close."""

    name = "CoMetricLearningI2I"
    module = "model"
    message = "metric_learning"
    messages = {
        "CoMetricLearningI2I": fields(
            "session_id highway input dnn l2_regularization output_l2_normalized_emb item_id "
            "circle_loss multi_similarity_loss",
            warned={"sample_id": ("predict keeps columns", "use predict --reserved_cols")},
        )
    }
    trained_by = ("vectors",)

    def sides(self, view: View) -> Sides:
        """Returns the tower's groups, for both sides: an item is looked up by an item."""
        groups = [name for name in groups_of(self.params(view.model_config)) if name in view.groups]
        return Sides({name: name for name in groups}, {name: name for name in groups})

    def session_id(self, model_config: EasyRecModel) -> str:
        """Returns the model's `session_id`."""
        return str(self.params(model_config).session_id)

    def losses(self, view: View) -> list[str] | None:
        """Returns the name of the loss."""
        return [spec.shown(loss.name) for loss in view.losses if (spec := view.loss_spec(loss))]

    def dense_layers(self, view: View) -> list[DenseLayer] | None:
        """Returns the layers of the highways and of the DNN."""
        params, layers = self.params(view.model_config), []
        width = group_width(view, [params.input])
        for highway in params.highway:
            units = highway.emb_size
            layers.append(DenseLayer(group_width(view, [highway.input]), units))
            layers += [DenseLayer(units, units)] * 2
            width += units
        return layers + dnn_layers(params.dnn, width)

    def check(self, view: View) -> Problems:
        """Yields what is wrong with the config as this model sees it."""
        yield from super().check(view)
        if view.model is None or view.model.name != self.message:
            return
        yield from check_dnn(view, Named("dnn", f"{self.path()}.dnn", view.model.config.dnn))
        yield from self._groups(view)
        yield from self._loss(view)
        yield from self._session(view)
        if full_ranking.asked(view):
            yield view.error(
                "eval_config.full_ranking",
                f"{self.name} looks up items by an item: a ranking of all items would find the "
                "row's own item",
                remedy="remove full_ranking; recall_at_topk and precision_at_topk compare the "
                "items of a batch",
            )

    def _groups(self, view: View) -> Problems:
        params, path = self.params(view.model_config), self.path()
        named = [(f"{path}.input", params.input)] if params.input else []
        named += [(f"{path}.highway[{i}].input", h.input) for i, h in enumerate(params.highway)]
        for where, group in named:
            if group not in view.groups:
                yield view.unknown(where, "feature group", group, view.groups)
        if not named:
            yield view.error(
                f"{path}.input",
                f"{self.name} reads no feature group",
                expected="input, highway { input }, or both",
                remedy="name a feature group",
            )
        for index, highway in enumerate(params.highway):
            if not highway.emb_size:
                yield view.error(
                    f"{path}.highway[{index}].emb_size", "emb_size is 0", expected="1 or more"
                )
            for field in IGNORED:
                if highway.HasField(field):
                    yield view.warning(
                        f"{path}.highway[{index}].{field}",
                        f"{field} has no effect: one layer with gelu, its gate's bias −1 at first",
                        remedy=f"leave {field} out",
                    )

    def _loss(self, view: View) -> Problems:
        if view.model_config.losses:
            yield view.error(
                "model_config.losses[0]",
                f"{self.name} has one loss, whose parameters are its own",
                expected=f"loss_type, and its parameters in {self.path()}",
                remedy="set model_config.loss_type, and remove losses",
            )
        given = view.model.config.WhichOneof("loss") if view.model else None
        for loss in view.losses:
            spec = view.loss_spec(loss)
            if spec is None or spec.scored not in self.trained_by:
                continue
            field = parameters_of(loss.name)
            if given is not None and given != field:
                yield view.error(
                    f"{self.path()}.{given}",
                    f"loss_type is {loss.name}, and {given} are parameters of another loss",
                    expected=f"{field} {{…}}",
                    found=f"{given} {{…}}",
                    remedy="make them agree",
                )

    def _session(self, view: View) -> Problems:
        name = self.params(view.model_config).session_id
        if name and name not in view.fields:
            yield view.unknown(
                f"{self.path()}.session_id", "input field in session_id:", name, view.fields
            )
        if not [label for label in view.data.label_fields if label != name]:
            yield view.error(
                "data_config.label_fields",
                f"{self.name} has no label beside the session: rows of one label are alike",
                expected="the label, such as clk",
                remedy="name one in label_fields",
            )


def parameters_of(loss: str) -> str:
    """Returns the field of the model's message with the parameters of a loss."""
    return str(loss).lower()
