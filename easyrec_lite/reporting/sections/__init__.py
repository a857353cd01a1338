"""The sections of the report, one a file: from the model folder to what its template shows."""
