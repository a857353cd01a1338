"""The report of a model folder: one HTML file, made from the files of the folder."""
