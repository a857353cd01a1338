"""Rules about ranking among all items."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks import ranking
from easyrec_lite.checks.item_id import item_table, ranked_id_field, sampler_id_field, user_id_field
from easyrec_lite.checks.ranking import DEFAULT_KS, EXCLUDED, KEPT
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import FullRanking

Problems = Iterator[Problem]
PATH = "eval_config.full_ranking"


def asked(view: View) -> bool:
    """Returns whether the config asks for a full ranking."""
    return bool(view.config.eval_config.HasField("full_ranking"))


def lengths(options: FullRanking) -> tuple[int, ...]:
    """Returns the Ks of a `FullRanking` message, ascending."""
    return tuple(sorted(set(options.topk))) or DEFAULT_KS


def metric_names(view: View) -> list[str]:
    """Returns the names under which evaluation reports the metrics of a full ranking."""
    if not asked(view):
        return []
    rules = (EXCLUDED, KEPT) if user_id_field(view.config) else (KEPT,)
    names = ranking.metric_names(lengths(view.config.eval_config.full_ranking))
    return [f"full_ranking/{rule}/{name}" for rule in rules for name in names]


def task(view: View) -> Problems:
    """The model retrieves items."""
    if asked(view) and view.spec is not None and view.not_retrieving:
        yield view.error(
            PATH,
            f"{view.spec.name} cannot rank all items: it has no vectors of users and items, as "
            f"{view.not_retrieving}",
            expected="a retrieval model whose user tower reads the user alone",
            remedy="remove full_ranking, or change the model",
        )


def _ranks(view: View) -> bool:
    """Returns whether a full ranking is asked for, of a model that can do it."""
    return asked(view) and view.spec is not None and not view.not_retrieving


def topk(view: View) -> Problems:
    """Lists have at least one place."""
    for index, k in enumerate(view.config.eval_config.full_ranking.topk):
        if k == 0:
            yield view.error(
                f"{PATH}.topk[{index}]",
                "topk is 0",
                expected="lengths of lists, from 1 up",
                remedy=f"leave the 0 out, or {PATH}.topk for {', '.join(map(str, DEFAULT_KS))}",
            )


def columns(view: View) -> Problems:
    """The columns that it reads exist, and it knows the item's."""
    if not _ranks(view):
        return
    options = view.config.eval_config.full_ranking
    named = [(f"{PATH}.{name}", name, getattr(options, name)) for name in ("user_id", "item_id")]
    named += [
        (f"{PATH}.group_by[{index}]", "group_by", name)
        for index, name in enumerate(options.group_by)
    ]
    for path, field, name in named:
        if name and name not in view.fields:
            yield view.unknown(
                path,
                f"input field in {field}:",
                name,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )
    user = user_id_field(view.config)
    if not options.user_id and user and user not in view.fields:
        yield view.unknown(
            f"{PATH}.user_id",
            "input field of the user's id, which the config names elsewhere,",
            user,
            view.fields,
            remedy=f"set {PATH}.user_id",
        )
    if not ranked_id_field(view.config):
        yield view.error(
            f"{PATH}.item_id",
            "full_ranking has no item id",
            expected="item_id: an input field",
            remedy=f"set {PATH}.item_id",
        )


def neighbours(view: View) -> Problems:
    """Item-kNN knows what users have seen."""
    options = view.config.eval_config.full_ranking
    if _ranks(view) and options.item_knn and not user_id_field(view.config):
        yield view.error(
            f"{PATH}.item_knn",
            "item_knn compares items by their users, and no column names the user",
            expected="user_id: an input field",
            remedy=f"set {PATH}.user_id, or leave item_knn out",
        )


def items(view: View) -> Problems:
    """There is a table of all items, whose ids are those of the rows."""
    if not _ranks(view):
        return
    options = view.config.eval_config.full_ranking
    if not (options.item_path or item_table(view.config)):
        yield view.error(
            f"{PATH}.item_path",
            "full_ranking has no item table",
            expected="a file that python -m easyrec_lite.make_item_table makes",
            remedy=f"set {PATH}.item_path, or give --item_path",
        )
    known = sampler_id_field(view.config)
    if known and ranked_id_field(view.config) not in ("", known):
        yield view.error(
            f"{PATH}.item_id",
            "full_ranking and the sampler's item table know items by different fields",
            expected=repr(known),
            found=repr(ranked_id_field(view.config)),
            remedy=f"set {PATH}.item_id to the sampler's item_id_field",
        )


RULES = (task, topk, columns, neighbours, items)
