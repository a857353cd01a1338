"""Training: the step, optimisers, schedules, checkpoints and hooks."""
