"""The sections of the report, one a file: a function from what is known to HTML."""
