"""What a component declares of itself, without TensorFlow, and the tables of all components.

A component is a folder with a `spec.py`, which declares a subclass of one of these specs, and a
module with the computation. Everything else asks the spec: `check`, `explain`, the field table,
the memory estimate, the sides of the towers, export signatures, prediction, ranking, reporting.
"""
