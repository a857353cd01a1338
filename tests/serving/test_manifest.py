"""The manifest: it describes every file, and a damaged one is named when it is read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easyrec_lite import predict
from easyrec_lite.config.load import loads
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.checksums import fingerprints, verify
from easyrec_lite.serving.export import ExportOptions, export_models
from easyrec_lite.serving.folders import checked_export
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.predict import Prediction, predict_file
from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations
from tests import commands
from tests.serving import exported


@pytest.fixture
def copied(export: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(export, tmp_path / "5"))


def test_every_file_has_its_checksum(export: Path) -> None:
    files = read_manifest(export)["files"]
    there = {str(path.relative_to(export)) for path in export.rglob("*") if path.is_file()}
    assert files.keys() == there - {"manifest.json"}
    for name, known in files.items():
        content = (export / name).read_bytes()
        assert known == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_what_is_said_of_models_and_items(export: Path) -> None:
    manifest = read_manifest(export)
    models = manifest["models"]
    assert models.keys() == {"scorer", "user_tower", "item_tower", "recommender"}
    recommender = models["recommender"]
    assert recommender["inputs"] == {
        **models["user_tower"]["inputs"],
        "seen_item_ids": {"dtype": "string", "shape": [None, None]},
        "k": {"dtype": "int32", "shape": []},
    }
    assert recommender["outputs"] == {
        "item_ids": {"dtype": "string", "shape": [None, None]},
        "scores": {"dtype": "float32", "shape": [None, None]},
    }
    assert recommender["signatures"]["top_10"]["inputs"] == models["user_tower"]["inputs"]
    items = manifest["items"]
    assert (items["count"], items["width"], items["id_column"]) == (13, 4, "item_id")
    vectors, ids = np.load(export / "item_vectors.npy"), np.load(export / "item_ids.npy")
    assert items["artefacts"]["item_vectors.npy"]["shape"] == list(vectors.shape)
    assert items["artefacts"]["item_ids.npy"]["dtype"] == ids.dtype.str
    assert items["artefacts"]["item_vectors.parquet"]["score"] == "int32"
    assert manifest["tensorflow"]
    assert manifest["easyrec_lite"]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["item_vectors.parquet", "recommender/saved_model.pb"])
@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (damage, "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_damaged_file_is_named(
    copied: Path, name: str, harm: Callable[[Path], None], found: str
) -> None:
    harm(copied / name)
    with pytest.raises(DataError, match=found) as error:
        Recommendations(copied, RecommendationOptions())
    (problem,) = error.value.problems
    assert problem.place.file == str(copied / name)


PREDICTED = [
    ("scorer/saved_model.pb", "scorer"),
    ("scorer/variables/variables.data-00000-of-00001", "scorer"),
    ("scorer/variables/variables.index", "scorer"),
    ("user_tower/saved_model.pb", "user_tower"),
    ("pipeline.config", "scorer"),
]


@pytest.mark.parametrize("harm", [damage, Path.unlink])
@pytest.mark.parametrize(("name", "model"), PREDICTED)
def test_predict_reads_nothing_that_is_damaged(
    trained: Path,
    copied: Path,
    name: str,
    model: str,
    harm: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    harm(copied / name)
    out = copied.with_name("out.csv")
    flags = [f"--saved_model_dir={copied}", f"--model={model}", f"--output_path={out}"]
    assert commands.run(predict, [*flags, f"--input_path={trained / 'rows.csv'}"]) == 2
    assert Path(name).name in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("rest", ["saved_model.pb", "variables"])
def test_an_export_copied_half(
    trained: Path, export: Path, tmp_path: Path, rest: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Without its manifest it cannot be checked, which is said; TensorFlow finds that it lacks."""
    half = Path(shutil.copytree(export / "scorer", tmp_path / "scorer"))
    prediction = Prediction(str(trained / "rows.csv"), str(tmp_path / "out.csv"), str(half))
    assert predict_file(exported.pipeline(trained), prediction) == 48
    assert "not verified" in caplog.text
    if rest == "variables":
        shutil.rmtree(half / "variables")
    else:
        content = (half / rest).read_bytes()
        (half / rest).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="the SavedModel cannot be read"):
        predict_file(exported.pipeline(trained), prediction)


def test_all_damaged_files_together_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    known = fingerprints(tmp_path)
    verify(tmp_path, known, ["a", "b"])
    damage(tmp_path / "a/one")
    damage(tmp_path / "a/two")
    verify(tmp_path, known, ["b"])
    with pytest.raises(DataError) as error:
        verify(tmp_path, known, ["a", "b", "never"])
    assert [Path(p.place.file).name for p in error.value.problems] == ["one", "two", "never"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"models": {}}', "\udce9"])
def test_a_manifest_that_is_none(copied: Path, content: str) -> None:
    (copied / "manifest.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=r"manifest\.json.*damaged"):
        read_manifest(copied)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_manifest(tmp_path)


def test_without_an_item_table_there_is_no_recommender(trained: Path, tmp_path: Path) -> None:
    gone = {"data_config.negative_sampler.input_path": str(tmp_path / "gone.txt")}
    estimator = Estimator(exported.pipeline(trained, **gone))
    folder = estimator.export(tmp_path / "export")
    assert read_manifest(folder)["models"].keys() == {"scorer", "user_tower", "item_tower"}
    with pytest.raises(ConfigError, match="make_item_table"):
        checked_export(folder, [])
    json.dumps(read_manifest(folder))


def test_an_item_table_of_ones_own(trained: Path, tmp_path: Path) -> None:
    lines = (trained / "items.txt").read_text(encoding="utf-8").splitlines()
    few = tmp_path / "few.txt"
    few.write_text("\n".join([lines[0], lines[4], lines[1]]) + "\n", encoding="utf-8")
    options = ExportOptions(item_path=str(few))
    folder = Estimator(exported.pipeline(trained)).export(tmp_path / "export", options=options)
    ids = [item.decode() for item in np.load(folder / "item_ids.npy")]
    assert ids == [exported.IDS[3], exported.IDS[0]]
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        Estimator(exported.pipeline(trained)).export(
            tmp_path / "other", options=ExportOptions(item_path=str(tmp_path / "nowhere.txt"))
        )
    assert not (tmp_path / "other").exists()


def test_a_user_column_named_k_leaves_the_recommender_out(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = exported.CONFIG.format(data=trained).replace('"city"', '"k"')
    folder = export_models(build(loads(text)), tmp_path, 1)
    assert "recommender" not in read_manifest(folder)["models"]
    assert (folder / "item_vectors.npy").is_file()
    assert "['k']" in caplog.text
    with pytest.raises(DataError, match="recommender"):
        Recommendations(folder, RecommendationOptions())
