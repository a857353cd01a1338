"""What the run came to, at a glance."""

from __future__ import annotations

from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.markup import Child, Html, cell, note, tag
from easyrec_lite.reporting.section import Section

METRICS = 4
# The ranking has a card of its own; recall has two more kinds, which say less.
SECONDARY = ("full_ranking/", "recall_neg_sam@", "recall_in_batch@")


def body(folder: ModelFolder) -> list[Child]:
    """Returns cards: model, steps, the newest metrics, the export."""
    result = folder.result
    metrics = [name for name in result if not name.startswith(("global_step", "loss/", *SECONDARY))]
    cards = [
        _card("model", folder.pipeline.config.model_config.model_class),
        _card("newest checkpoint at step", folder.step if folder.step is not None else "none"),
        *_ranking(folder),
        *(_card(_labelled(name), result[name]) for name in metrics[:METRICS]),
        _card("export at step", folder.manifest.get("step", "none")),
    ]
    made: list[Child] = [tag("div", *cards, class_="cards")]
    if result.get("global_step", folder.step) != folder.step:
        made.append(
            note(
                "The last evaluation was of step ", cell(result["global_step"]), ", not the newest."
            )
        )
    return made


def _labelled(name: str) -> str:
    return f"{name}, within batches" if name.startswith("recall@") else name


def _ranking(folder: ModelFolder) -> list[Html]:
    """The model's first metric among all items, beside popularity's."""
    rows = (folder.ranking or {}).get("rows", [])
    first = {row["scorer"]: row["metrics"] for row in reversed(rows)}
    if "model" not in first or not first["model"]:
        return []
    name = next(iter(first["model"]))
    baseline = first.get("popularity", {}).get(name)
    compared = [] if baseline is None else [" (popularity ", cell(baseline), ")"]
    return [_card(f"{name}, among all items", first["model"][name], *compared)]


def _card(name: str, value: object, *more: Child) -> Html:
    shown = tag("span", *more, class_="beside") if more else None
    return tag("div", tag("strong", cell(value), shown), tag("span", name), class_="card")


SECTION = Section("overview", "Overview", body)
