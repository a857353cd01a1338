"""Speed of training, input and serving, beside what the machine can do: see docs/speed.md.

A section is a module with `TITLE`, `NOTES` and `run(bench)`, which yields the lines of a table.
What is measured runs in processes of its own (`worker`), whose jobs are named in `jobs`.
"""
