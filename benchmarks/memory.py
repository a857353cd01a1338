"""Peak memory of training beside what `check` estimates: `python -m benchmarks.memory`.

Each case trains for a few steps, saves, and exports, in a process of its own, on data that
`easyrec_lite.datasets` and this command make in the data folder. Printed is the process's largest
resident memory. `--config NAME` measures another config, on its own data.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from benchmarks.child import measured
from benchmarks.speed.rows import Row

EDITS = {"train_config.num_steps": 10, "eval_input_path": "", "eval_config": {}}
ATTRIBUTES = ["adgroup_id", "cate_id", "campaign_id", "customer", "brand"]


class Case(NamedTuple):
    """What is measured.

    Attributes:
      config: name of the config.
      batch: rows of a batch.
      edits: edits of the config; `DATA` stands for the data folder.
      words: what the edits are, for the table.
    """

    config: str
    batch: int
    edits: Mapping[str, Any] = MappingProxyType({})
    words: str = ""


def sequence(words: str, batch: int = 128, **params: Any) -> Case:
    """Returns a case of the sequence model with other parameters."""
    edits = {f"model_config.sequence_match.{name}": value for name, value in params.items()}
    return Case("sequence_match_on_movielens", batch, edits, words)


SELF_ATTENTION = {"model_config.mind.capsule_config.extractor": "SELF_ATTENTION"}
HARD = {
    "user_input_path": "DATA/users.txt",
    "item_input_path": "DATA/taobao/items.txt",
    "hard_neg_edge_input_path": "DATA/edges.txt",
    "num_sample": 1024,
    "num_hard_sample": 4096,
    "item_id_field": "adgroup_id",
    "user_id_field": "user_id",
    "attr_fields": ATTRIBUTES,
}
CASES = (
    Case("dssm_on_taobao", 4096),
    Case("dssm_senet_on_taobao_pointwise", 1024),
    Case("dssm_senet_on_taobao", 512),
    Case("dssm_neg_sampler_on_taobao", 4096),
    Case("dat_on_taobao", 512),
    Case("dssm_senet_on_taobao_backbone", 4096),
    Case("parallel_dssm_on_taobao_backbone", 2048),
    Case(
        "dssm_neg_sampler_on_taobao",
        4096,
        {"data_config.negative_sampler.input_path": "DATA/items.txt"},
        "2,000,000 items",
    ),
    Case(
        "dssm_neg_sampler_on_taobao",
        2048,
        {"data_config.negative_sampler": None, "data_config.hard_negative_sampler": HARD},
        "2,000,000 hard edges",
    ),
    Case("mind_on_taobao", 512),
    Case("mind_on_taobao", 512, SELF_ATTENTION, "self-attention"),
    Case("mind_on_taobao", 2048, SELF_ATTENTION, "self-attention, batch 2048"),
    Case("pdn_on_taobao", 1024),
    Case("multi_tower_recall_on_taobao", 1024),
    Case("dropoutnet_on_taobao", 1024),
    Case("metric_learning_i2i_on_taobao", 2048),
    Case("metric_learning_i2i_on_taobao", 4096, words="batch 4096"),
    sequence("attention"),
    sequence("attention, batch 256", 256),
    sequence("4 heads", num_heads=4),
    sequence("1 layer", num_layers=1),
    sequence("50 steps", 512, max_seq_len=50),
    sequence("HSTU", encoder="HSTU"),
    sequence("GRU", encoder="GRU"),
)


def main(argv: Sequence[str]) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--config", help="measure this config alone")
    parser.add_argument("--batch_size", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--edit", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--cases", type=int, nargs="+", help="numbers of cases, from 1")
    parser.add_argument("--data", type=Path, default=Path("experiments/memory"), metavar="FOLDER")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        child(json.loads(args.child))
        return 0
    print("| config | batch | | parameters | measured MB | estimated MB | off |")
    print("|---|---:|---|---:|---:|---:|---:|")
    if args.config:
        edits = dict(edit.partition("=")[::2] for edit in args.edit)
        for size in args.batch_size:
            print(line(Case(args.config.removesuffix(".config"), size, edits), None), flush=True)
        return 0
    for number in args.cases or range(1, len(CASES) + 1):
        print(line(CASES[number - 1], args.data.resolve()), flush=True)
    return 0


def line(case: Case, data: Path | None) -> str:
    """Returns a case's row of the table."""
    found = measure(case, data)
    off = found["estimate"] / found["peak"] - 1
    return (
        f"| `{case.config}` | {case.batch} | {case.words} | {found['parameters']:,} "
        f"| {found['peak']:,.0f} | {found['estimate']:,.0f} | {off:+.0%} |"
    )


def measure(case: Case, data: Path | None) -> dict[str, float]:
    """Returns `parameters`, and the `peak` and the `estimate` in MB."""
    with tempfile.TemporaryDirectory() as folder:
        edits = {**EDITS, "model_dir": folder, "data_config.batch_size": case.batch}
        if data:
            edits |= paths(case, data)
        text = json.dumps({**edits, **case.edits}).replace("DATA/", f"{data}/")
        found: dict[str, float] = measured(
            "benchmarks.memory", {"config": case.config, "edits": json.loads(text)}
        )
    return found


def child(spec: dict[str, Any]) -> None:
    """Trains in this process and prints what `measure` returns."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.checks.memory import estimate
    from easyrec_lite.runs.process import prepare

    pipeline = load_config(f"{spec['config']}.config", spec["edits"])
    estimated = estimate(pipeline).total / 2**20
    prepare(pipeline, quiet=True, training=True)
    from easyrec_lite.runs.training_run import TrainingRun

    run = TrainingRun(pipeline, [], evaluate=True)
    run.result()
    weights = run.parts.model.trainable.values()
    parameters = sum(variable.shape.num_elements() for variable in weights)
    print(json.dumps({"parameters": parameters, "peak": peak(), "estimate": estimated}))


def peak() -> float:
    """Returns the largest resident size of this program so far, MB."""
    # `ru_maxrss` would begin at that of the process that started it.
    (found,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(found.split()[1]) / 1024


# The data.


def paths(case: Case, data: Path) -> dict[str, Any]:
    """Returns edits with the paths of a case's data, which is made if it is not there."""
    if case.config.startswith("sequence"):
        folder = made(data / "sequences", _sequences)
        return {
            "train_input_path": str(folder / "train.csv"),
            "export_config.exporter_type": "none",
        }
    folder = made(data / "taobao", _taobao)
    for name, make in {"items.txt": _items, "edges.txt": _edges, "users.txt": _users}.items():
        if name in json.dumps(dict(case.edits)):
            made(data / name, make)
    row = Row(case.config, f"{case.config}.config")
    clicked = "_clicked" if row.clicked else ""
    edits = {"train_input_path": str(folder / f"train{clicked}.csv")}
    if row.sampled and "data_config.negative_sampler" not in case.edits:
        edits["data_config.negative_sampler.input_path"] = str(folder / "items.txt")
    return edits


def made(path: Path, make: Callable[[Path], None]) -> Path:
    """Returns a file or folder, made if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        make(part)
        part.rename(path)
    return path


def _dataset(*arguments: str) -> None:
    command = [sys.executable, "-m", "easyrec_lite.datasets", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _taobao(path: Path) -> None:
    _dataset("taobao-synthetic", "--rows", "200000", "--out", str(path))


def _sequences(path: Path) -> None:
    """Writes histories of 6,040 users, most of them longer than the model reads."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sequences.tsv")
        with file.open("w") as text:
            text.write("user_id\titem_ids\n")
            for user in range(6040):
                items = random.choice(3952, random.integers(100, 500), replace=False) + 1
                text.write(f"{user}\t{' '.join(map(str, items))}\n")
        _dataset("interactions", "--input", str(file), "--out", str(path))


def _items(path: Path, count: int = 2_000_000) -> None:
    """Writes the items of the data, and others up to `count`."""
    random = np.random.default_rng(0)
    known = (path.parent / "taobao/items.txt").read_text().splitlines(keepends=True)
    with path.open("w") as file:
        file.writelines(known)
        others = random.integers(0, 400_000, (count - len(known) + 1, 4))
        for number, cells in enumerate(others.tolist(), 10**7):
            file.write(f"{number}\t1.5\t{number}:{':'.join(map(str, cells))}\n")


def _edges(path: Path, count: int = 2_000_000) -> None:
    """Writes edges between users and items of the data."""
    random = np.random.default_rng(0)
    rows = (path.parent / "taobao/train_clicked.csv").read_text().splitlines()
    users = sorted({row.split(",")[8] for row in rows})
    items = [row.partition("\t")[0] for row in _table(path)]
    ends = zip(*(random.integers(0, len(ids), count) for ids in (users, items)), strict=True)
    with path.open("w") as file:
        file.write("userid:int64\titemid:int64\tweight:float\n")
        file.writelines(f"{users[user]}\t{items[item]}\t1\n" for user, item in ends)


def _table(path: Path) -> list[str]:
    return (path.parent / "taobao/items.txt").read_text().splitlines()[1:]


def _users(path: Path) -> None:
    path.write_text("id:int64\tweight:float\n1\t1\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
