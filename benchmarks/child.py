"""What a benchmark measures in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def measured(module: str, spec: dict[str, Any]) -> Any:
    """Runs `python -m MODULE --child SPEC`, and returns the JSON of its last line."""
    command = [sys.executable, "-m", module, "--child", json.dumps(spec)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])
