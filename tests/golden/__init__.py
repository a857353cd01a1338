"""Parity with EasyRec: its numbers for a config each, and ours beside them."""

from pathlib import Path

# The cases that every clone has; data/README.md tells what they hold.
CASES = Path(__file__).parent / "data"
# Cases in the folder `golden_match` of the shared data that are compared; `golden` has others.
MATCH_CASES = (
    "dssm_hard_neg",
    "dropoutnet",
    "mind",
    "pdn",
    "metric_learning_i2i",
    "dssm_sequence_self",
    "dssm_sequence",
    "multi_tower_recall",
    "backbone_din_bst",
    "backbone_cl4srec",
)
