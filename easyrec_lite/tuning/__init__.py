"""Search for the settings of a config: a search space, trials, a study. Needs Optuna to run."""
