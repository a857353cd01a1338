"""Memory of a sampler's item table: `python -m benchmarks.sampler_memory [--items 2000000]`.

For tables of several shapes prints by how much a process grows, at its peak, while it opens the
sampler, beside what `check` estimates; in MB. Each table is opened in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# A table's attributes: `number`, `tagsN` for N tags, or the length of a text. The first is the id.
SHAPES: dict[str, tuple[str | int, ...]] = {
    "the id alone": (8,),
    "a number and a text": (8, "number", 8),
    "five texts": (8, 8, 8, 8, 8, 8),
    "five tags and a long text": (8, "tags5", 30),
    "twenty tags": (8, "tags20"),
}
CONFIG = """
model_dir: "m"
data_config {{
  input_type: CSVInput batch_size: 4096 {fields}
  negative_sampler {{
    input_path: "{table}" num_sample: 1024 item_id_field: "f0" attr_fields: [{names}]
  }}
}}
feature_config {{ {features} }}
model_config {{
  model_class: "DSSM" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups {{ group_name: "user" feature_names: "u" }}
  feature_groups {{ group_name: "item" feature_names: [{names}] }}
  dssm {{
    user_tower {{ id: "u" dnn {{ hidden_units: 8 }} }}
    item_tower {{ id: "f0" dnn {{ hidden_units: 8 }} }}
  }}
}}
"""


def config(table: Path, shape: Sequence[str | int]) -> str:
    """Returns a config whose sampler reads `table`."""
    kinds = {f"f{number}": str(kind) for number, kind in enumerate(shape)} | {"u": "8"}
    fields = [
        f'input_fields {{ input_name: "{name}" input_type: '
        f"{'INT32' if kind == 'number' else 'STRING'} }}"
        for name, kind in kinds.items()
    ]
    features = [
        f'features {{ input_names: "{name}" embedding_dim: 4 hash_bucket_size: 100000 '
        f"feature_type: {'TagFeature' if kind.startswith('tags') else 'IdFeature'} }}"
        for name, kind in kinds.items()
    ]
    names = ", ".join(f'"f{number}"' for number in range(len(shape)))
    return CONFIG.format(
        fields=" ".join(fields), table=table, names=names, features=" ".join(features)
    )


def write_table(path: Path, count: int, shape: Sequence[str | int]) -> None:
    """Writes an item table of `count` items."""
    random = np.random.default_rng(0)

    def column(kind: str | int) -> list[str]:
        if kind == "number":
            return [str(number) for number in random.integers(0, 100_000, count)]
        if isinstance(kind, str):
            tags = random.integers(1000, 9999, (count, int(kind.removeprefix("tags"))))
            return ["|".join(map(str, row)) for row in tags]
        return [str(number).zfill(kind) for number in random.integers(0, 10**7, count)]

    ids = [str(10**7 + number) for number in range(count)]
    columns = [ids, *map(column, shape[1:])]
    with path.open("w") as file:
        file.write("id:int64\tweight:float\tfeature:string\n")
        for number, cells in enumerate(zip(*columns, strict=True)):
            file.write(f"{cells[0]}\t{1 + number % 97}\t{':'.join(cells)}\n")


def child(table: str, name: str) -> None:
    """Opens the sampler in this process, and prints its growth and the estimate as JSON."""
    from easyrec_lite.checks.memory import estimate
    from easyrec_lite.config.load import loads
    from easyrec_lite.data.samplers.open import open_sampler
    from easyrec_lite.features.transform import FeatureTransform

    shape = SHAPES[name]
    pipeline = loads(config(Path(table), shape))
    transform: Any = FeatureTransform(pipeline)
    items = [f"f{number}" for number in range(len(shape))]
    before = _peak()
    open_sampler(pipeline, lambda rows: transform(rows, items), training=True, seed=0)
    parts = estimate(pipeline).parts
    print(json.dumps({"peak": _peak() - before, "estimate": parts["the sampler's tables"]}))


def _peak() -> int:
    # Of this program alone: `ru_maxrss` would begin at that of the process that started it.
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) * 1024


def measure(name: str, count: int) -> dict[str, int]:
    """Returns `peak` and `estimate`, bytes, of a table of `count` items."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "items.txt")
        write_table(table, count, SHAPES[name])
        command = [sys.executable, "-m", "benchmarks.sampler_memory", "--child", str(table), name]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
        return found


def main(argv: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        child(*args.child)
        return 0
    print(f"{args.items:,} items{'':<20}{'measured MB':>14}{'estimated MB':>14}")
    for name in SHAPES:
        found = measure(name, args.items)
        measured, estimated = found["peak"] / 2**20, found["estimate"] / 2**20
        print(f"{name:<32}{measured:>12,.0f}{estimated:>14,.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
