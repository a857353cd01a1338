"""The report of a model folder: one HTML file for people, made from what the folder holds."""
