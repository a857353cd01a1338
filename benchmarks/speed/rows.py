"""The configs that are measured: those of configs/, with the edits that the comparison asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROWS_OF_BIG_TABLES = 10_000_000


@dataclass(frozen=True)
class Row:
    """One config.

    Attributes:
      name: what the table calls it.
      config: a file of configs/.
      edits: config path → value.
      sequences: whether its data are users' sequences, not rows of Taobao's layout.
    """

    name: str
    config: str
    edits: dict[str, Any] = field(default_factory=dict)
    sequences: bool = False

    @property
    def clicked(self) -> bool:
        """Whether it reads the clicked rows alone."""
        return self.config not in POINTWISE

    @property
    def sampled(self) -> bool:
        """Whether it has a negative sampler."""
        return self.clicked and self.config not in WITHOUT_SAMPLER


def table_rows(rows: int) -> dict[str, Any]:
    """Returns the edits that give the tables of the user's and the item's id `rows` rows."""
    return {
        f"feature_config.features[input_names[0]={name}].hash_bucket_size": rows
        for name in ("user_id", "adgroup_id")
    }


POINTWISE = (
    "dssm_on_taobao.config",
    "dssm_senet_on_taobao_pointwise.config",
    "dropoutnet_on_taobao.config",
    "pdn_on_taobao.config",
    "multi_tower_recall_on_taobao.config",
)
WITHOUT_SAMPLER = ("metric_learning_i2i_on_taobao.config",)
BATCH = {"data_config.batch_size": 4096}
NEGATIVES = {"data_config.negative_sampler.num_sample": 1024}
LISTWISE = Row("dssm, 1024 negatives", "dssm_neg_sampler_on_taobao.config", {**BATCH, **NEGATIVES})
BIG = Row("dssm, 1e7-row tables", LISTWISE.config, {**LISTWISE.edits, **table_rows(10_000_000)})
SEQUENCE = Row("sequence_match", "sequence_match_on_movielens.config", sequences=True)
ROWS = (
    Row("dssm, pointwise", "dssm_on_taobao.config", BATCH),
    Row("dssm_senet, pointwise", "dssm_senet_on_taobao_pointwise.config", BATCH),
    LISTWISE,
    Row("dssm_senet backbone", "dssm_senet_on_taobao_backbone.config", {**BATCH, **NEGATIVES}),
    Row(
        "parallel_dssm backbone",
        "parallel_dssm_on_taobao_backbone.config",
        {"data_config.batch_size": 2048, "data_config.negative_sampler.num_sample": 512},
    ),
    Row(
        "dat",
        "dat_on_taobao.config",
        {"data_config.batch_size": 512, "data_config.negative_sampler.num_sample": 2048},
    ),
    BIG,
    Row("mind", "mind_on_taobao.config"),
    Row("pdn", "pdn_on_taobao.config"),
    Row("multi_tower_recall", "multi_tower_recall_on_taobao.config"),
    Row("dropoutnet", "dropoutnet_on_taobao.config"),
    Row("metric_learning_i2i", "metric_learning_i2i_on_taobao.config"),
    SEQUENCE,
)
