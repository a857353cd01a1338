"""CSV files, a row a line."""
