from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite.checks.check import check, load_config
from easyrec_lite.config import examine, load, loads
from easyrec_lite.config import load as load_function
from easyrec_lite.config.pipeline import ConfigSource, parent_path
from easyrec_lite.core.errors import ConfigError, Place, Problem
from tests.golden import CASES

CONFIG = 'model_dir: "x"\nmodel_config { model_class: "DSSM" }\n'


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def problems_of(path: Path | str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.problems)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    write(folder, "dssm_on_taobao.config", CONFIG)
    write(folder, "dat_on_taobao.config", CONFIG)
    monkeypatch.setitem(load_function.__globals__, "PACKAGE_CONFIGS", folder)
    return folder


def test_a_file_in_text_or_json(tmp_path: Path) -> None:
    text = load(write(tmp_path, "a.config", CONFIG))
    json = load(write(tmp_path, "a.json", '{"modelDir":"x","modelConfig":{"model_class":"DSSM"}}'))
    assert text.config == json.config
    assert text.file == str(tmp_path / "a.config")
    assert json.place("model_config.model_class") == Place(json.file, 1, 32)


@pytest.mark.parametrize("name", ["dssm_on_taobao", "dssm_on_taobao.config"])
def test_a_shipped_config(shipped: Path, name: str) -> None:
    assert load(name).file == str(shipped / "dssm_on_taobao.config")


def test_a_file_comes_before_a_shipped_config(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "dssm_on_taobao", CONFIG.replace("x", "mine"))
    monkeypatch.chdir(tmp_path)
    assert load("dssm_on_taobao").config.model_dir == "mine"


def test_no_such_file(shipped: Path, tmp_path: Path) -> None:
    write(tmp_path, "pipeline.config", CONFIG)
    (problem,) = problems_of(tmp_path / "pipline.config")
    assert problem.nearest == str(tmp_path / "pipeline.config")
    (problem,) = problems_of("dssm_on_taobo")
    assert problem.nearest == "dssm_on_taobao"
    assert "dat_on_taobao, dssm_on_taobao" in problem.expected
    assert problems_of(tmp_path / "no" / "such.config")[0].message == "there is no such config file"


def test_a_directory(tmp_path: Path) -> None:
    write(tmp_path, "pipeline.config", CONFIG)
    (problem,) = problems_of(tmp_path)
    assert "directory" in problem.message
    assert "pipeline.config" in problem.remedy


def test_not_utf8(tmp_path: Path) -> None:
    path = write(tmp_path, "a.config", b'# \xe4\xb8\xad\nmodel_dir: "\xe4\xb8\xad\xd6\xd0"\n')
    (problem,) = problems_of(path)
    assert problem.place == Place(str(path), 2, 14)
    assert "0xd6 at offset 21" in problem.message


def test_a_byte_order_mark_is_no_part_of_the_config(tmp_path: Path) -> None:
    assert load(write(tmp_path, "a.config", "\ufeff" + CONFIG)).config == loads(CONFIG).config


@pytest.mark.parametrize("data", [b"", b"\n# nothing\n"])
def test_an_empty_file_lacks_what_is_required(tmp_path: Path, data: bytes) -> None:
    problems = problems_of(write(tmp_path, "a.config", data))
    assert [problem.path for problem in problems] == ["model_dir", "model_config"]


def test_a_file_that_is_no_config(tmp_path: Path) -> None:
    problems = problems_of(write(tmp_path, "rows.config", "0,1,\x01,'a\n" * 1000))
    assert len(problems) < 30
    assert "config" in problems[-1].remedy


def test_required_fields_count_only_without_a_default() -> None:
    text = CONFIG + "data_config {\n  input_fields { input_type: INT32 }\n}\n"
    with pytest.raises(ConfigError) as caught:
        loads(text, "a.config")
    found = {problem.path: problem.place for problem in caught.value.problems}
    assert found == {
        "data_config.input_type": Place("a.config", 3, 1),
        "data_config.input_fields[0].input_name": Place("a.config", 4, 3),
    }


def test_a_required_field_that_is_written_wrongly_is_one_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(CONFIG.replace('"x"', "x").replace("model_class", "model_clas"))
    assert [problem.path for problem in caught.value.problems] == [
        "model_dir",
        "model_config.model_clas",
    ]


def test_edits_may_give_what_the_file_lacks() -> None:
    pipeline = loads('model_config { model_class: "DSSM" }', edits={"model_dir": "here"})
    assert pipeline.config.model_dir == "here"


def test_warnings_are_kept_in_file_order() -> None:
    text = (
        CONFIG + 'train_config { seed: 1\n seed: 2\n num_steps: 1\n num_steps: 2 }\nmodel_dir: "y"'
    )
    assert [problem.place.line for problem in loads(text).warnings] == [4, 6, 7]


def test_examine_gives_all_problems_and_what_could_be_read(tmp_path: Path) -> None:
    pipeline, problems = examine(write(tmp_path, "a.config", CONFIG + "model_dir: 'y' modeldir: 1"))
    assert pipeline is not None
    assert pipeline.config.model_dir == "y"
    assert [problem.severity for problem in problems] == ["warning", "error"]
    assert examine(write(tmp_path, "b.config", CONFIG + "train_config {"))[0] is None


def test_load_config_tells_loading_and_meaning_at_once(tmp_path: Path) -> None:
    text = (CASES / "dssm_senet" / "pipeline.config").read_text()
    good = load_config(write(tmp_path, "a.config", text))
    assert set(good.warnings) == set(check(good))
    bad = text.replace("num_steps:", "num_stps:").replace('"user_id"', '"userid"', 1)
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, "b.config", bad))
    text = str(caught.value)
    assert "num_stps" in text
    assert "userid" in text


def test_places_fall_back_to_what_encloses_them() -> None:
    pipeline = loads(CONFIG + "data_config {\n input_type: 10\n}", "a.config")
    assert pipeline.place("data_config.input_type") == Place("a.config", 4, 2)
    assert pipeline.place("data_config.input_fields[3].input_name") == Place("a.config", 3, 1)
    assert pipeline.place("export_config.exporter_type") == Place("a.config")
    assert pipeline.place("") == Place("a.config")


@pytest.mark.parametrize("path", ["", ".", "..", "[", "a..b", "a[b", "]"])
def test_any_path_has_a_place(path: str) -> None:
    assert ConfigSource("a.config", "").place(path) == Place("a.config")


def test_parents() -> None:
    assert [parent_path(path) for path in ("a.b[2].c", "a.b[2]", "a.b", "a")] == [
        "a.b[2]",
        "a.b",
        "a",
        "",
    ]


def test_loading_imports_no_tensorflow() -> None:
    code = (
        "import sys\n"
        "from easyrec_lite import config\n"
        "from easyrec_lite.runs import command_line\n"
        'config.loads(\'model_dir: "x" model_config { model_class: "DSSM" }\')\n'
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
