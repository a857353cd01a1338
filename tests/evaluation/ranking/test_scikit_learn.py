"""What scikit-learn defines too: NDCG, average precision, reciprocal rank, top-k accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from easyrec_lite.evaluation.ranking import rank

sklearn = pytest.importorskip("sklearn.metrics")


@pytest.fixture(scope="module")
def one_each():
    """Scores without ties, [50, 30], and one held-out item a query."""
    generator = np.random.default_rng(7)
    users, items = generator.normal(size=(50, 8)), generator.normal(size=(30, 8))
    wanted = np.concatenate([np.arange(30), generator.integers(0, 30, 20)])
    users, items = users.astype(np.float32), items.astype(np.float32)
    return users, items, wanted


@pytest.mark.parametrize("k", [1, 5, 30])
def test_one_held_out_item(one_each, k):
    users, items, wanted = one_each
    found = rank(users, items, wanted[:, None].tolist(), [[]] * 50, [k]).metrics("kept")
    scores, truth = users @ items.T, np.eye(30)[wanted]
    assert found[f"ndcg@{k}"] == pytest.approx(sklearn.ndcg_score(truth, scores, k=k))
    if k < 30:
        hits = sklearn.top_k_accuracy_score(wanted, scores, k=k, labels=np.arange(30))
        assert found[f"hit_rate@{k}"] == found[f"recall@{k}"] == pytest.approx(hits)
    else:
        reciprocal = sklearn.label_ranking_average_precision_score(truth, scores)
        assert found["mrr@30"] == found["map@30"] == pytest.approx(reciprocal)


def test_several_held_out_items():
    generator = np.random.default_rng(8)
    users, items = generator.normal(size=(40, 8)), generator.normal(size=(25, 8))
    truth = generator.random((40, 25)) < 0.2
    truth[:, 3] = True
    held_out = [np.flatnonzero(row).tolist() for row in truth]
    users, items = users.astype(np.float32), items.astype(np.float32)
    found = rank(users, items, held_out, [[]] * 40, [10, 25]).metrics("kept")
    scores = users @ items.T
    for k in (10, 25):
        assert found[f"ndcg@{k}"] == pytest.approx(sklearn.ndcg_score(truth, scores, k=k))
    means = [sklearn.average_precision_score(*row) for row in zip(truth, scores, strict=True)]
    assert found["map@25"] == pytest.approx(np.mean(means))
