"""CoMetricLearningI2I."""
