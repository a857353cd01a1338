"""An approximate index of item vectors, faiss IVF-Flat, and its recall against the exact top-K."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem

INDEX = "item_index.faiss"
# With fewer vectors in a cell, centroids are poor, and faiss warns.
VECTORS_A_CELL = 39
# The relative error of a score by the order of summation.
ROUNDING = 1e-6


@dataclass(frozen=True)
class IndexTuning:
    """The target of tuning an index.

    Attributes:
      target_recall: the share of the exact top-K that it must find, above 0 and at most 1.
      k: K of that top-K.
      queries: the number of queries to measure with.
      query_path: users to measure with; '' for the users of the config's data.
    """

    target_recall: float = 0.95
    k: int = 100
    queries: int = 1000
    query_path: str = ""


@dataclass(frozen=True)
class IndexReport:
    """An index, and its measured recall and speed.

    Attributes:
      items, width: M and D.
      nlist: the number of cells.
      nprobe: the number of cells that a search visits, as stored in the file; the smallest that
        reaches the target.
      k, queries, queries_from: what recall was measured with.
      recall: the share of the exact top-K that is found; less than the target only if all cells do
        not reach it.
      seconds: the time to build it.
      queries_per_second, exact_queries_per_second: of the index and of the exact search, on
        all threads.
    """

    items: int
    width: int
    nlist: int
    nprobe: int
    k: int
    queries: int
    queries_from: str
    recall: float
    seconds: float
    queries_per_second: float
    exact_queries_per_second: float

    def __str__(self) -> str:
        return (
            f"index of {self.items} items × {self.width}: {self.nlist} cells, built in "
            f"{self.seconds:.1f} s\n"
            f"recall@{self.k} against the exact top-{self.k}: {self.recall:.4f} with nprobe "
            f"{self.nprobe}, {self.queries} queries: {self.queries_from}\n"
            f"{self.queries_per_second:.0f} queries/s, exact search "
            f"{self.exact_queries_per_second:.0f}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns the values that do not depend on the machine, for the manifest."""
        measured = {name: value for name, value in asdict(self).items() if "second" not in name}
        kind = {"kind": "IVF-Flat, inner product", "faiss": require_faiss().__version__}
        return {"file": INDEX, **kind, **measured}


def require_faiss() -> Any:
    """Returns the module `faiss`.

    Raises:
      ConfigError: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise ConfigError(
            Problem(
                f"an index needs the package faiss: {error}",
                Place("command line"),
                remedy="pip install 'easyrec_lite[index]', or pip install faiss-cpu",
            )
        ) from error
    return faiss


def build_index(
    path: Path, vectors: np.ndarray, queries: np.ndarray, queries_from: str, tuning: IndexTuning
) -> IndexReport:
    """Writes an IVF-Flat index of inner products.

    The vectors are divided into √M cells (k-means); a search visits the `nprobe` cells nearest to
    the query. The smallest `nprobe` that reaches the target is found by doubling, then bisection.
    Number n in the index is row n of `vectors`.

    Args:
      path: the file to write.
      vectors: float32 [M, D].
      queries: float32 [Q, D] or [Q, H, D]; vectors of real users, as recall depends on their
        directions.
      queries_from: a description of them.
      tuning: the target; K is at most M.

    Raises:
      ConfigError: faiss is not installed.
    """
    faiss = require_faiss()
    started = time.perf_counter()
    index = _trained(faiss, vectors)
    seconds = time.perf_counter() - started
    k = min(tuning.k, len(vectors))
    exact = faiss.IndexFlatIP(vectors.shape[1])
    exact.add(vectors)
    started = time.perf_counter()
    floor = search(exact, queries, k)[0][:, -1]
    exact_speed = len(queries) / (time.perf_counter() - started)
    trial = _Trial(index, vectors, queries, floor, k)
    nprobe = _least_nprobe(trial, index.nlist, tuning.target_recall)
    recall, speed = trial(nprobe)
    with fs.open_binary(
        path, "wb"
    ) as file:  # faiss itself does not notice if the disk is full at the end
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
    return IndexReport(
        items=len(vectors),
        width=vectors.shape[1],
        nlist=index.nlist,
        nprobe=nprobe,
        k=k,
        queries=len(queries),
        queries_from=queries_from,
        recall=recall,
        seconds=seconds,
        queries_per_second=speed,
        exact_queries_per_second=exact_speed,
    )


def _trained(faiss: Any, vectors: np.ndarray) -> Any:
    count, width = vectors.shape
    cells = max(1, min(round(math.sqrt(count)), count // VECTORS_A_CELL))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    index.train(vectors)
    index.add(vectors)
    return index


def search(index: Any, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the K best items of each query by an index of inner products.

    A query of several vectors is one search for each. Their lists are merged; an item that is in
    several keeps its best score. Thus an exact index gives the exact top-K by the largest product.

    Args:
      index: a faiss index.
      queries: float32 [Q, D], or [Q, H, D] of H vectors each.
      k: K.

    Returns:
      Scores float32 [Q, K], the largest first, and items int64 [Q, K]; −1 with score −inf if there
      are fewer items.
    """
    if queries.ndim == 2:
        scores, items = index.search(queries, k)
        return np.where(items < 0, -np.inf, scores), items
    count, several, width = queries.shape
    scores, items = index.search(np.ascontiguousarray(queries).reshape(-1, width), k)
    return merged(scores.reshape(count, several * k), items.reshape(count, several * k), k)


def merged(scores: np.ndarray, items: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the K best of each row's P entries, each item once, as `search` does.

    1. Sort the entries by score, the largest first; then, with a stable sort, by item: the best of
       an item's entries comes first.
    2. Set the others, and entries without an item (−1), to −inf.
    3. Sort by score again, and take the first K.

    Args:
      scores: float32 [Q, P].
      items: int64 [Q, P].
      k: K ≤ P.
    """
    scores, items = _along(np.argsort(-scores, axis=1, kind="stable"), scores, items)
    by_item = np.argsort(items, axis=1, kind="stable")
    scores, items = _along(by_item, scores, items)
    repeated = np.zeros(items.shape, bool)
    repeated[:, 1:] = items[:, 1:] == items[:, :-1]
    scores = np.where(repeated | (items < 0), -np.inf, scores)
    scores, items = _along(np.argsort(-scores, axis=1, kind="stable")[:, :k], scores, items)
    return scores, np.where(scores == -np.inf, -1, items)


def _along(order: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    return [np.take_along_axis(array, order, axis=1) for array in arrays]


@dataclass(frozen=True)
class _Trial:
    """Searches with the queries, and compares with the exact top-K.

    Attributes:
      index, vectors, queries, k: as of `build_index`.
      floor: float32 [Q], the K-th score of the exact search.
    """

    index: Any
    vectors: np.ndarray
    queries: np.ndarray
    floor: np.ndarray
    k: int

    def __call__(self, nprobe: int) -> tuple[float, float]:
        """Returns recall and queries per second; sets `nprobe` in the index.

        An item whose score equals the exact K-th counts as found.
        """
        self.index.nprobe = nprobe
        started = time.perf_counter()
        _, items = search(self.index, self.queries, self.k)
        seconds = time.perf_counter() - started
        several = self.queries[:, None] if self.queries.ndim == 2 else self.queries
        scores = np.einsum("qhd,qkd->qhk", several, self.vectors[items]).max(axis=1)
        floor = self.floor - ROUNDING * np.maximum(np.abs(self.floor), 1)
        hits = (items >= 0) & (scores >= floor[:, None])
        return float(hits.mean()), len(self.queries) / seconds


def _least_nprobe(trial: _Trial, nlist: int, target: float) -> int:
    """Returns the smallest number of cells that reaches the target, by doubling, then bisection."""
    below, enough = 0, 1
    while enough < nlist and trial(enough)[0] < target:
        below, enough = enough, min(2 * enough, nlist)
    while enough - below > 1:
        middle = (below + enough) // 2
        if trial(middle)[0] < target:
            below = middle
        else:
            enough = middle
    return enough
