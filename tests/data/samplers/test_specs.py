"""What samplers declare of themselves: the config's fields, their files, their memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

import easyrec_lite.data.samplers as package
from benchmarks.sampler_memory import measure
from easyrec_lite.checks.memory import estimate
from easyrec_lite.checks.specs.sampler import SAMPLERS, sampler_of
from easyrec_lite.config import loads
from easyrec_lite.protos.messages import DatasetConfig
from tests.config.base_config import LISTWISE, POINTWISE

HEADER = "id:int64\tweight:float\tfeature:string\n"
START = LISTWISE.index("  negative_sampler")
END = LISTWISE.index("  }\n", START) + 4


def with_sampler(text: str) -> str:
    """Returns a listwise config with the sampler `text`, whose attributes are the items' fields."""
    own = LISTWISE[START:END]
    attributes = own[own.index("attr_fields") : own.rindex("}")]
    return LISTWISE[:START] + text.replace("ATTRIBUTES", attributes) + LISTWISE[END:]


def test_every_sampler_of_the_schema_is_declared() -> None:
    oneof = DatasetConfig.DESCRIPTOR.oneofs_by_name["sampler"]
    assert SAMPLERS.names() == sorted(field.name for field in oneof.fields)
    for spec in SAMPLERS.specs():
        message = DatasetConfig.DESCRIPTOR.fields_by_name[spec.name].message_type
        assert message.name in spec.messages
        named = {spec.items, *spec.edges, *spec.counts, *([spec.user] if spec.user else [])}
        assert named <= set(message.fields_by_name)
        assert set(spec.messages[message.name]) == set(message.fields_by_name)


def test_every_sampler_has_its_computation() -> None:
    assert all(callable(SAMPLERS.get(name)) for name in SAMPLERS.names())


def test_specs_load_no_tensorflow() -> None:
    code = (
        "import sys; from easyrec_lite.checks.specs.sampler import SAMPLERS; SAMPLERS.specs(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_sampler_is_named_outside_its_folder() -> None:
    folder = Path(package.__file__).parent
    for module in folder.parents[1].rglob("*.py"):
        home = module.relative_to(folder).parts[0] if folder in module.parents else ""
        for name in SAMPLERS.names():
            own = SAMPLERS.spec(name).implementation.split(".")[-2]
            # A feature group has a field of its own by this name, which is refused.
            table = module.name == "field_table.py"
            assert own == home or table or f'"{name}"' not in module.read_text(), (module, name)


def test_the_files_that_a_sampler_reads() -> None:
    data = DatasetConfig()
    message = data.hard_negative_sampler_v2
    message.item_input_path, message.user_input_path = "items", "users"
    message.pos_edge_input_path, message.hard_neg_edge_input_path = "positive", "hard"
    message.user_id_field = "user"
    found = sampler_of(data)
    assert found is not None
    spec, own = found
    assert dict(spec.files(own)) == {
        "item_input_path": "items",
        "hard_neg_edge_input_path": "hard",
        "pos_edge_input_path": "positive",
    }
    assert (spec.item_table(own), spec.user_id(own)) == ("items", "user")
    assert sampler_of(DatasetConfig()) is None


@pytest.mark.parametrize("packed", [False, True])
def test_the_tables_are_counted_once_they_are_there(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("items.gz" if packed else "items.txt")
    text = with_sampler(
        f"  negative_sampler {{ input_path: '{path}' num_sample: 16 item_id_field: 'item_id' "
        "ATTRIBUTES }\n"
    )
    missing = estimate(loads(text))
    assert "the sampler's tables" not in missing.parts
    assert any("sampler" in note for note in missing.notes)

    def counted(rows: int) -> int:
        lines = "".join(f"{i}\t1\t{i}:c:{i % 7}\n" for i in range(10**6, 10**6 + rows))
        content = (HEADER + lines).encode()
        path.write_bytes(gzip.compress(content) if packed else content)
        found = estimate(loads(text))
        assert not any("sampler" in note for note in found.notes)
        return found.parts["the sampler's tables"]

    # The whole file is looked at, then the first part of a larger one.
    few, many = counted(1000), counted(200_000)
    assert many == pytest.approx(200 * few, rel=0.15)


def test_edges_are_counted_too(tmp_path: Path) -> None:
    items, edges = tmp_path / "items", tmp_path / "edges"
    items.write_text(HEADER + "1\t1\t1:c:1\n" * 100)
    text = with_sampler(
        f"  negative_sampler_v2 {{ item_input_path: '{items}' pos_edge_input_path: '{edges}' "
        "user_input_path: 'unread' user_id_field: 'user_id' num_sample: 16 "
        "item_id_field: 'item_id' ATTRIBUTES }\n"
    )
    assert "the sampler's tables" not in estimate(loads(text)).parts
    edges.write_text("userid\titemid\tweight\n")
    few = estimate(loads(text)).parts["the sampler's tables"]
    edges.write_text("userid\titemid\tweight\n" + "12345\t1\t1\n" * 1000)
    edge = (estimate(loads(text)).parts["the sampler's tables"] - few) / 1000
    assert 200 < edge < 400


def test_the_estimate_is_near_what_a_process_takes() -> None:
    # The peak of resident memory does not depend on how busy the machine is.
    found = measure("five tags and a long text", 200_000)
    assert found["estimate"] / 2 < found["peak"] < found["estimate"] * 2


def test_a_pointwise_model_loads_no_table() -> None:
    assert "the sampler's tables" not in estimate(loads(POINTWISE)).parts
