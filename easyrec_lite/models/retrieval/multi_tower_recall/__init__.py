"""MultiTowerRecall."""
