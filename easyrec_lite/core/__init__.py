"""What every package builds on: errors, files, locks, the registry of components."""
