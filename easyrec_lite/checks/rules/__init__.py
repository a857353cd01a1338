"""The rules of `check`, a module for each concern; a rule yields the problems that it finds."""
