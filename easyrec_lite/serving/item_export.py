"""The parts of an export that need items: their vectors, a recommender, an index."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core.errors import ConfigError, Place, Problem, RunError
from easyrec_lite.core.input_paths import files_of
from easyrec_lite.data.tables.item_rows import ItemRows, load_items
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.retrieval.encoders import ItemEncoder
from easyrec_lite.models.retrieval.task import USER_TOWER, retrieval_of, retrieves, tower_signatures
from easyrec_lite.serving.index import INDEX, IndexTuning, require_faiss
from easyrec_lite.serving.indexing import index_items
from easyrec_lite.serving.item_vectors import write_item_vectors
from easyrec_lite.serving.recommender import NAME as RECOMMENDER
from easyrec_lite.serving.recommender import Recommender, clashes
from easyrec_lite.serving.remedies import items_remedy
from easyrec_lite.serving.saved_model import SIGNATURE, save_model
from easyrec_lite.serving.signatures import COUNTED, ServedFunction

log = logging.getLogger(__name__)


def items_to_export(parts: Parts, path: str, index: bool) -> ItemRows | None:
    """Returns the items of the table at `path`, or of the config's table; None without one.

    Returns None, with a warning, if the table of the sampler does not exist: the machine that
    exports need not have the training data. Returns None for a model of another task than
    retrieval.

    Args:
      parts: the model.
      path: an item table, '' for the config's.
      index: whether an index is asked for, which needs items.

    Raises:
      ConfigError: `path` or an index is given for a model of another task; or an index is asked
        for, and there are no items or no faiss.
      DataError: the table is missing or has bad lines.
    """
    if not (path or index or retrieves(parts.model)):
        return None
    encoder = ItemEncoder(parts)
    if index:
        require_faiss()
    own = item_table(parts.pipeline.config)
    if path or files_of(own):
        return load_items(parts.pipeline, path or own, encoder.inputs, parts.transform.expectations)
    remedy = items_remedy(parts.pipeline, Path(parts.pipeline.config.model_dir, CONFIG_FILE))
    missing = f"the item table {own} is missing" if own else "the config names no item table"
    if index:
        raise ConfigError(
            Problem(f"an index needs items: {missing}", Place("command line"), remedy=remedy)
        )
    log.log(
        logging.WARNING if own else logging.INFO,
        "no item vectors and no recommender are exported: %s; %s",
        missing,
        remedy,
    )
    return None


def add_items(parts: Parts, items: ItemRows, folder: Path, manifest: dict[str, Any]) -> None:
    """Adds the vectors of `items` and a recommender to an unfinished export and its manifest.

    Raises:
      DataError: the items lack a column that an item feature reads.
      RunError: a vector is not finite.
    """
    model = retrieval_of(parts.model)
    vectors = ItemEncoder(parts).vectors(items)
    _require_finite(vectors, items)
    described = write_item_vectors(folder, items.ids, vectors, items.columns)
    manifest["items"] = {
        "count": len(items),
        "width": vectors.shape[1],
        "dtype": vectors.dtype.name,
        "source": items.source,
        "id_column": items.id_column,
        "artefacts": described,
    }
    user = ServedFunction(parts, tower_signatures(model)[USER_TOWER])
    if clashes(user):
        log.warning(
            "no recommender is exported: the user columns %s have names of its inputs",
            clashes(user),
        )
        return
    recommender = Recommender(user, items.ids, vectors, model.combine)
    signatures = {
        SIGNATURE: recommender.signature,
        COUNTED: recommender.counted,
        "top_10": recommender.top_10,
    }
    manifest["models"][RECOMMENDER] = save_model(
        recommender, folder / RECOMMENDER, signatures, user.columns
    )


def add_index(
    pipeline: Pipeline, tuning: IndexTuning, folder: Path, manifest: dict[str, Any]
) -> None:
    """Adds an index of the item vectors to an unfinished export and its manifest."""
    report = index_items(pipeline, folder, folder / INDEX, tuning)
    log.info("%s", report)
    manifest["index"] = report.as_dict()


def _require_finite(vectors: np.ndarray, items: ItemRows) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        shown = ", ".join(repr(str(item)) for item in items.ids[bad[:5]])
        raise RunError(
            Problem(
                f"{bad.size} of {len(items)} item vectors are not finite",
                Place(items.source),
                found=f"items {shown}" + (", …" if bad.size > 5 else ""),
                remedy="export an earlier checkpoint; train with a lower learning rate",
            )
        )
