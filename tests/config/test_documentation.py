from __future__ import annotations

import pytest

from easyrec_lite.config.documentation import documentation
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.protos.docs import EnumDoc, FieldDoc, MessageDoc, messages
from easyrec_lite.protos.messages import EasyRecConfig


def _field(path: str) -> FieldDoc:
    found = documentation(path)
    assert isinstance(found, FieldDoc)
    return found


def test_scalar_field() -> None:
    beta1 = _field("train_config.optimizer_config.adam_optimizer.beta1")
    assert (beta1.message, beta1.name, beta1.number) == ("AdamOptimizer", "beta1", 3)
    assert (beta1.label, beta1.type, beta1.default) == ("optional", "float", "0.9")
    assert "gradient" in beta1.comment
    assert beta1.oneof == ""
    assert beta1.siblings == ()
    assert beta1.path == "train_config.optimizer_config.adam_optimizer.beta1"


@pytest.mark.parametrize(
    "path",
    [
        "feature_config.features.embedding_dim",
        "feature_config.features[3].embedding_dim",
        "feature_config.features[:].embedding_dim",
        "feature_config.features[input_names[0]=user.id].embedding_dim",
        "FeatureConfigV2.features.embedding_dim",
        "EasyRecConfig.feature_config.features.embedding_dim",
        " feature_config . features[0] . embedding_dim ",
    ],
)
def test_indexes_and_starting_points_lead_to_one_field(path: str) -> None:
    found = _field(path)
    assert found.full_name == "FeatureConfig.embedding_dim"
    assert found.path == "feature_config.features.embedding_dim"


def test_field_of_a_message_gets_its_shortest_config_path() -> None:
    assert _field("FeatureConfig.embedding_dim").path == "feature_configs.embedding_dim"
    assert _field("L1Regularizer.scale").path == ""  # no config can hold it


def test_every_config_path_leads_back_to_its_field() -> None:
    for message in messages().values():
        for field in message.fields.values():
            path = _field(field.full_name).path
            assert not path or _field(path).full_name == field.full_name


def test_default_is_written_as_in_the_schema() -> None:
    assert _field("data_config.separator").default == '","'
    assert _field("train_config.fine_tune_checkpoint").default == '""'
    assert _field("data_config.shuffle").default == "true"
    assert _field("PDN.l2_regularization").default == "1e-06"
    assert _field("model_dir").default == ""


def test_oneof_and_enum_values() -> None:
    learning_rate = _field("LearningRate.constant_learning_rate")
    assert learning_rate.oneof == "learning_rate"
    assert "exponential_decay_learning_rate" in learning_rate.siblings
    assert "constant_learning_rate" not in learning_rate.siblings
    similarity = _field("model_config.dssm.simi_func")
    assert [value.name for value in similarity.values] == ["COSINE", "INNER_PRODUCT", "EUCLID"]


def test_messages_and_enums() -> None:
    senet = documentation("SENet")
    assert isinstance(senet, MessageDoc)
    assert set(senet.fields) == {
        "reduction_ratio",
        "num_squeeze_group",
        "use_skip_connection",
        "use_output_layer_norm",
    }
    kinds = documentation("DatasetConfig.InputType")
    assert isinstance(kinds, EnumDoc)
    assert ("CriteoInput", 1001) in {(value.name, value.number) for value in kinds.values}


def test_no_path_is_the_root() -> None:
    root = documentation("")
    assert isinstance(root, MessageDoc)
    assert set(root.fields) == {field.name for field in EasyRecConfig.DESCRIPTOR.fields}


@pytest.mark.parametrize(
    ("path", "nearest", "said"),
    [
        ("train_config.num_stps", "num_steps", "TrainConfig .* 'num_stps'"),
        ("trian_config.num_steps", "train_config", "'trian_config'"),
        ("DSSM_SENett", "DSSM_SENet", "'DSSM_SENett'"),
        ("AUC.num_threshold", "num_thresholds", "AUC .* 'num_threshold'"),
        ("EvalMetrics.accuracy.threshold", "", "Accuracy .* 'threshold'"),
        ("train_config.", "", "TrainConfig .* ''"),
        ("train_config.num_steps.x", "", "num_steps .* uint32"),
        ("KerasLayer.st_params.units", "", "st_params .* google.protobuf.Struct"),
        ("LossType.CLASSIFICATION", "", "LossType .* enum"),
    ],
)
def test_unknown_paths(path: str, nearest: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        documentation(path)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.nearest == nearest
