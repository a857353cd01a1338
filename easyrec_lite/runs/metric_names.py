"""How metrics are called where a reader sees them."""

from __future__ import annotations

import re

IN_BATCH = re.compile(r"recall(_neg_sam|_in_batch)?@")


def labelled(name: str) -> str:
    """Returns a metric's name, marked if it ranks within a batch."""
    return f"{name} (in-batch)" if IN_BATCH.match(name) else name
