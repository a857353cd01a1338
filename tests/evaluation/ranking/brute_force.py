"""Full ranking by its definitions, one query at a time, in plain Python: slow and direct."""

from __future__ import annotations

import math
from collections import Counter


def ranked(scores, hidden, tie):
    """Items by falling score, `tie(item)` deciding between equal ones, without `hidden`."""
    items = [item for item in range(len(scores)) if item not in hidden]
    return sorted(items, key=lambda item: (-scores[item], tie(item)))


def of_list(items, relevant, k):
    """The five metrics of one list for a list of relevant items (None: not in the table)."""
    shown = items[:k]
    hits = [item in relevant for item in shown]
    found = [place for place, hit in enumerate(hits, 1) if hit]
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    precisions = [sum(hits[:place]) / place for place in found]
    return {
        "hit_rate": 1.0 if found else 0.0,
        "recall": len(found) / len(relevant),
        "ndcg": sum(1 / math.log2(place + 1) for place in found) / ideal,
        "mrr": 1 / found[0] if found else 0.0,
        "map": sum(precisions) / min(k, len(relevant)),
    }


def catalogue(lists, items, k):
    """Coverage and entropy of the first k of all lists."""
    counts = Counter(item for shown in lists for item in shown[:k])
    total = sum(counts.values())
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return {"coverage": len(counts) / items, "entropy": entropy}


def metrics(scores, held_out, seen, ks, rule, tie=lambda query, item: item):
    """Returns name@k → value, and the lists of the queries that have held-out items."""
    lists, relevant = [], []
    for query, wanted in enumerate(held_out):
        if not wanted:
            continue
        hidden = set(seen[query]) if rule == "excluded" else set()
        lists.append(ranked(scores[query], hidden, lambda item, q=query: tie(q, item)))
        known = {item for item in wanted if item >= 0}
        relevant.append([*known, *(None for item in wanted if item < 0)])
    found = {}
    for k in ks:
        rows = [of_list(*pair, k) for pair in zip(lists, relevant, strict=True)]
        for name in rows[0]:
            found[f"{name}@{k}"] = sum(row[name] for row in rows) / len(rows)
        for name, value in catalogue(lists, len(scores[0]), k).items():
            found[f"{name}@{k}"] = value
    return found, lists
