"""What the study runs: baselines, and each model in each variant, as edits of its config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.ncf.baselines import BASELINES, SEEDED

MODELS = {
    "DSSM": "dssm_on_movielens.config",
    "DSSM + SENet": "dssm_senet_on_movielens.config",
    "Parallel DSSM": "parallel_dssm_on_movielens_backbone.config",
    "DAT": "dat_on_movielens.config",
}
HISTORY = ("recent", "last")


@dataclass(frozen=True)
class Variant:
    """Which of the three options of a shipped config stay on."""

    name: str
    history: bool = False
    logq: bool = False
    mask: bool = False


VARIANTS = (
    Variant("plain"),
    Variant("+ history", history=True),
    Variant("+ logQ", logq=True),
    Variant("+ mask", mask=True),
    Variant("all", history=True, logq=True, mask=True),
)
ALL = VARIANTS[-1].name


@dataclass(frozen=True)
class Case:
    """One run. A baseline has no variant and no config.

    Attributes:
      model: a name of `MODELS` or `BASELINES`.
      variant: a name of `VARIANTS`, '' for a baseline.
      seed: of weights, order of rows, draws.
      edits: config path → value, without folders; they, the config and the data make the result.
    """

    model: str
    variant: str
    seed: int
    edits: dict[str, Any]

    @property
    def name(self) -> str:
        """A name for people, and for files."""
        words = f"{self.model} {self.variant} {self.seed}".replace("+", "").split()
        return "-".join(words).lower()

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields."""
        return asdict(self)


def cases(
    rows: int, seeds: int, ablation_seeds: int, epochs: int, more: dict[str, Any]
) -> list[Case]:
    """Returns all runs: baselines, each (model, variant) once, `all` with more seeds, the rest.

    So a study that breaks off has a whole table, with fewer seeds.

    Args:
      rows: of the training data.
      seeds: how many for the variant `all` and the baselines that draw.
      ablation_seeds: how many for the other variants.
      epochs: over the training data; 0 as the configs say.
      more: edits for every config.
    """
    found = [
        Case(name, "", seed, {})
        for name in BASELINES
        for seed in range(1, (seeds if name in SEEDED else 1) + 1)
    ]
    models = [
        (seed, model, variant)
        for seed in range(1, seeds + 1)
        for model in MODELS
        for variant in VARIANTS
        if variant.name == ALL or seed <= ablation_seeds
    ]
    models.sort(key=lambda run: (run[0] > 1) + (run[0] > 1 and run[2].name != ALL))
    for seed, model, variant in models:
        edits = variant_edits(MODELS[model], variant) | more
        edits |= schedule_edits(MODELS[model], rows, epochs, edits)
        found.append(Case(model, variant.name, seed, edits | {"train_config.seed": seed}))
    return found


def variant_edits(config: str, variant: Variant) -> dict[str, Any]:
    """Returns the edits that turn off what `variant` has not of the shipped `config`."""
    from easyrec_lite.config import load

    edits: dict[str, Any] = {}
    if not variant.logq:
        edits["model_config.softmax.logq"] = "OFF"
    if not variant.mask:
        edits["model_config.softmax.mask_false_negatives"] = False
    if not variant.history:
        for group in load(config).config.model_config.feature_groups:
            if set(group.feature_names) & set(HISTORY):
                path = f"model_config.feature_groups[group_name={group.group_name}].feature_names"
                edits[path] = without_history(group.feature_names)
    return edits


def without_history(names: Sequence[str]) -> list[str]:
    """Returns the features that do not tell of the user's earlier ratings."""
    return [name for name in names if name not in HISTORY]


def schedule_edits(config: str, rows: int, epochs: int, edits: dict[str, Any]) -> dict[str, Any]:
    """Returns the edits of steps and schedule for `epochs` over `rows`; none for 0 epochs."""
    from easyrec_lite.config import load

    if not epochs:
        return {}
    of_data = {path: value for path, value in edits.items() if path.startswith("data_config.")}
    data = load(config, of_data).config.data_config
    steps = -(-rows * epochs // data.batch_size)
    rate = "train_config.optimizer_config[0].adam_optimizer.learning_rate"
    return {
        "data_config.num_epochs": epochs,
        "train_config.num_steps": steps,
        "train_config.save_checkpoints_steps": steps,
        f"{rate}.cosine_decay_learning_rate.total_steps": steps,
        f"{rate}.cosine_decay_learning_rate.warmup_steps": min(50, steps // 10),
    }
