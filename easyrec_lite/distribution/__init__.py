"""How the work of a run is spread over devices and processes."""
