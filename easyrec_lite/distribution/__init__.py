"""Training on several devices and processes: cluster, launcher, roles, exchange."""
