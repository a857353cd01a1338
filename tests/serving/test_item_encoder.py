"""Items read for an export: with and without a sampler, in batches, with columns missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.config.load import loads
from easyrec_lite.core.errors import DataError
from easyrec_lite.data.tables.item_rows import ItemRows, load_items
from easyrec_lite.models.assembly import Parts, build
from easyrec_lite.models.retrieval.encoders import ItemEncoder
from tests.serving.exported import BRANDS, CONFIG, IDS


def parts(trained: Path, *changes: tuple[str, str]) -> Parts:
    text = CONFIG.format(data=trained)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return build(loads(text))


def without_sampler(trained: Path) -> Parts:
    text = CONFIG.format(data=trained)
    start = text.index("  negative_sampler")
    sampler = text[start : text.index("feature_config", start)]
    return parts(trained, (sampler, "}\n"), ("SOFTMAX_CROSS_ENTROPY", "CLASSIFICATION"))


def load(made: Parts, path: str) -> ItemRows:
    return load_items(made.pipeline, path, ItemEncoder(made).inputs)


def test_the_samplers_table_in_batches_of_any_size(trained: Path) -> None:
    made = parts(trained)
    items = load(made, item_table(made.pipeline.config))
    assert (list(items.ids), list(items.columns["brand"])) == (IDS, BRANDS)
    assert items.id_column == "item_id"
    whole = ItemEncoder(made).vectors(items)
    assert whole.shape == (13, 4)
    assert whole.dtype == np.float32
    assert len(np.unique(whole.round(5), axis=0)) == 13
    for batch in (1, 5, 13):
        np.testing.assert_allclose(ItemEncoder(made).vectors(items, batch), whole, atol=1e-6)


def test_without_a_sampler_the_features_say_what_the_attributes_are(
    trained: Path, tmp_path: Path
) -> None:
    made = without_sampler(trained)
    assert item_table(made.pipeline.config) == ""
    table = tmp_path / "items.txt"
    table.write_text("id\tweight\tfeature\né\t1\té:b1\n007\t0\t007:b2\n", encoding="utf-8")
    items = load(made, str(table))
    assert list(items.ids) == ["é", "007"]
    assert {name: list(cells) for name, cells in items.columns.items()} == {
        "item_id": ["é", "007"],
        "brand": ["b1", "b2"],
    }
    table.write_text("id\tweight\tfeature\n7\t1\té:b1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"items\.txt:2(.|\n)*item_id"):
        load(made, str(table))
    assert ItemEncoder(made).vectors(items).shape == (2, 4)


def test_columns_that_the_table_lacks_are_named(trained: Path) -> None:
    made = parts(trained, ('attr_fields: ["item_id", "brand", "score"]', 'attr_fields: "item_id"'))
    (trained / "bare.txt").write_text("id\tweight\tfeature\na\t1\ta\n", encoding="utf-8")
    items = load(made, str(trained / "bare.txt"))
    with pytest.raises(DataError, match=r"no column 'brand'") as error:
        ItemEncoder(made).vectors(items)
    assert "attr_fields" in error.value.problems[0].remedy
