"""Rows that are made up from the schema of the fields."""
