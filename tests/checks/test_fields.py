"""Every field of the schema has a decision, and a config is walked by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from easyrec_lite import protos
from easyrec_lite.checks.field_table import FIELDS, WHOLE
from easyrec_lite.checks.fields import OWNERS, declared, status, walk
from easyrec_lite.config import loads
from tests.config.base_config import LISTWISE, POINTWISE, assert_reported, problems, replaced

EASYREC_FIELDS = 1001
OWN_NUMBERS = 5001


def messages() -> Iterator[tuple[str, set[str], int]]:
    """Yields (name, field names, number of fields of our own) of each message of the schema."""

    def below(parts, prefix):
        for part in parts:
            ours = sum(field.number >= OWN_NUMBERS for field in part.field)
            yield prefix + part.name, {field.name for field in part.field}, ours
            yield from below(part.nested_type, f"{prefix}{part.name}.")

    for file in protos.schema().file:
        if file.package == protos.PACKAGE:
            yield from below(file.message_type, "")


def test_the_table_names_exactly_the_schemas_fields(record_property) -> None:
    counts: Counter[str] = Counter()
    own = 0
    known = {}
    for name, fields, ours in messages():
        known[name] = fields
        own += ours
        counts.update(status(name, field).kind for field in fields)
    tables = {**FIELDS, **declared()}
    assert len(tables) == len(FIELDS) + len(declared())
    assert not set(tables) & set(WHOLE)
    assert set(tables) | set(WHOLE) == {
        name for name, fields in known.items() if fields or name in tables or name in WHOLE
    }
    owned = {
        name: {
            field.name for field in protos.message_class(name).DESCRIPTOR.oneofs_by_name[of].fields
        }
        for name, of in OWNERS
    }
    for name, table in tables.items():
        assert set(table) == known[name] - owned.get(name, set()), name
    assert sum(counts.values()) - own == EASYREC_FIELDS
    for kind, count in sorted(counts.items()):
        record_property(kind, count)
        print(f"{kind}: {count} fields")


def test_every_refusal_and_warning_says_why() -> None:
    for name, fields, _ in messages():
        for field in fields:
            decision = status(name, field)
            if decision.kind != "implemented":
                assert decision.note, (name, field)
            if decision.kind == "refused":
                assert decision.remedy, (name, field)


def test_a_field_outside_the_schema_has_no_status() -> None:
    with pytest.raises(KeyError):
        status("DeepFM", "no_such_field")
    with pytest.raises(KeyError):
        status("NoSuchMessage", "dnn")


def test_a_field_without_effect_is_warned_about_where_it_stands() -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  prefetch_size: 4\n")
    assert_reported(
        text,
        "prefetch_size",
        "my.config:14:3: warning: data_config.prefetch_size: no effect here: "
        "the input pipeline tunes itself",
    )


def test_a_refused_field_says_what_to_do() -> None:
    text = replaced(POINTWISE, "  simi_func: COSINE\n  }\n", "  }\n  num_class: 3\n")
    assert_reported(text, "num_class", "error: model_config.num_class", "one score a row", "remedy")


@pytest.mark.parametrize(
    "line", ["prefetch_size: 32", "shard: false", "ignore_error: false", "selected_cols: ''"]
)
def test_a_field_at_its_default_asks_for_nothing(line: str) -> None:
    text = replaced(POINTWISE, "  batch_size: 8\n", f"  batch_size: 8\n  {line}\n")
    assert walk(loads(text)) == []


@pytest.mark.parametrize(
    ("field", "warnings"), [("shard", 0), ("file_shard", 0), ("chief_redundant", 1)]
)
def test_how_workers_share_the_data(field: str, warnings: int) -> None:
    found = walk(
        loads(replaced(POINTWISE, "  batch_size: 8\n", f"  batch_size: 8\n  {field}: true\n"))
    )
    assert [item.severity for item in found] == ["warning"] * warnings


def test_nothing_is_said_below_a_refused_message() -> None:
    attention = "seq_att_groups { group_name: 's' seq_att_map { key: 'cate' hist_seq: 'tags' } }"
    text = replaced(LISTWISE, "model_config {", f"model_config {{ {attention}")
    found = walk(loads(text))
    assert [item.path for item in found] == ["model_config.seq_att_groups[0]"]


def test_a_repeated_field_is_reported_once() -> None:
    text = replaced(
        POINTWISE, '  label_fields: "clk"\n', '  label_fields: "clk"\n  label_dim: [1, 1]\n'
    )
    assert [item.path for item in walk(loads(text))] == ["data_config.label_dim[0]"]


def test_a_ranking_model_is_refused_by_name() -> None:
    start, end = POINTWISE.index("  dssm_senet {"), POINTWISE.index("}\nexport_config")
    text = POINTWISE[:start] + "  deepfm { dnn { hidden_units: 8 } }\n" + POINTWISE[end:]
    text = text.replace("DSSM_SENet", "DeepFM")
    assert_reported(text, "model_class", "error", "'DeepFM'", "DSSM_SENet", "MatchModel")
    assert not [each for each in problems(text) if "deepfm" in each.path]
