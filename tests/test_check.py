"""The check command, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite import check as command
from tests import commands
from tests.config.base_config import LISTWISE, POINTWISE, replaced

ROW = "1,u1,a,x|y,3,i1,c1,1.5\n"
WITHOUT_TENSORFLOW = (
    "import sys, easyrec_lite.runs.command_line, easyrec_lite.check\n"
    "command = easyrec_lite.check\n"
    "code = easyrec_lite.runs.command_line.run(command.parser, command.main)\n"
    "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    "sys.exit(code)"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text(ROW * 3, encoding="utf-8")
    (tmp_path / "items.txt").write_text("id:string\tweight:float\tattrs:string\ni1\t1\ti1:c1:1\n")
    return tmp_path


def check(text: str, *flags: str) -> int:
    Path("my.config").write_text(text, encoding="utf-8")
    return commands.run(command, ["--config", "my.config", *flags])


def test_a_good_config_prints_its_tables_and_exits_0(folder, capsys) -> None:
    assert check(POINTWISE) == 0
    out = capsys.readouterr().out
    assert "user/tags" in out
    assert "memory for training, about" in out
    assert out.endswith("the config is good: 0 errors, 0 warnings\n")


def test_all_problems_are_printed_in_file_order_and_the_exit_is_2(folder, capsys) -> None:
    text = replaced(POINTWISE, '["user_id", "city"', '["userid", "city"')
    text = replaced(text, "  batch_size: 8\n", "  batch_sise: 8\n  prefetch_size: 2\n")
    assert check(text) == 2
    out = capsys.readouterr().out
    order = ["batch_sise", "prefetch_size", "'userid'"]
    assert sorted(order, key=out.index) == order
    assert "nearest:  user_id" in out
    assert "nearest:  batch_size" in out
    assert "memory for training" not in out
    assert out.endswith("the config cannot be used: 2 errors, 2 warnings\n")


def test_edits_are_checked(folder, capsys) -> None:
    assert check(POINTWISE, '--edit_config_json={"data_config.label_fields[0]": "click"}') == 2
    out = capsys.readouterr().out
    assert "--edit_config_json" in out
    assert "unknown label field 'click'" in out


def test_a_config_that_cannot_be_parsed_is_reported(folder, capsys) -> None:
    assert check("model_config {") == 2
    assert "my.config:1" in capsys.readouterr().out


def test_a_missing_config_is_reported(folder, capsys) -> None:
    assert commands.run(command, ["--config", "other.config"]) == 2
    assert "no such config" in capsys.readouterr().err


def test_good_data_passes(folder, capsys) -> None:
    assert check(POINTWISE, "--data") == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


def test_bad_cells_are_named_by_line_and_field(folder, capsys) -> None:
    Path("train.csv").write_text(ROW * 2 + ROW.replace(",3,", ",notanint,"), encoding="utf-8")
    assert check(POINTWISE) == 0
    capsys.readouterr()
    assert check(POINTWISE, "--data") == 2
    out = capsys.readouterr().out
    assert "train.csv:3" in out
    assert "age" in out
    assert "notanint" in out


def test_cells_that_a_feature_cannot_read_are_named(folder, capsys) -> None:
    tags = 'input_names: "tags"'
    config = replaced(POINTWISE, tags, f'{tags} kv_separator: ":"')
    rows = ["1,u1,a,x:1|y,3,i1,c1,1.5\n", "1,u1,a,x:1,3,i1,c1,1.5\n", "1,u1,a,x:w,3,i1,c1,1.5\n"]
    Path("train.csv").write_text("".join(rows), encoding="utf-8")
    assert check(config, "--data") == 2
    out = capsys.readouterr().out
    assert "train.csv:1: error" in out
    assert "'x:1|y': every entry must be KEY:VALUE" in out
    assert "train.csv:2" not in out
    assert "train.csv:3: error" in out
    assert "'x:w': each weight must be a finite number" in out


def test_labels_that_the_loss_does_not_take_are_named(folder, capsys) -> None:
    rows = [ROW, ROW.replace("1,", "-1,", 1), ROW.replace("1,", "2,", 1)]
    Path("train.csv").write_text("".join(rows), encoding="utf-8")
    assert check(POINTWISE, "--data") == 2
    out = capsys.readouterr().out
    assert "train.csv:1" not in out
    assert "train.csv:2: error: clk: '-1': a label of" in out
    assert "train.csv:3: error: clk: '2': a label of" in out


def test_only_the_first_rows_are_read(folder, capsys) -> None:
    Path("train.csv").write_text(ROW * 2 + "1,2\n", encoding="utf-8")
    assert check(POINTWISE, "--data", "--rows", "2") == 0
    assert check(POINTWISE, "--data", "--rows=3") == 2
    assert check(POINTWISE, "--data", "--rows=0") == 2


def test_rows_that_are_to_be_skipped_are_warnings(folder, capsys) -> None:
    Path("train.csv").write_text(ROW * 2 + "1,2\n", encoding="utf-8")
    text = replaced(POINTWISE, "  batch_size: 8\n", "  batch_size: 8\n  bad_row_policy: SKIP\n")
    assert check(text, "--data") == 0
    out = capsys.readouterr().out
    assert "train.csv:3: warning" in out


def test_missing_files_are_reported_where_the_config_names_them(folder, capsys) -> None:
    Path("train.csv").rename("training.csv")
    Path("items.txt").unlink()
    assert check(LISTWISE, "--data") == 2
    out = capsys.readouterr().out
    assert "data_config.negative_sampler.input_path: no such file: items.txt" in out
    assert "train.csv" in out


def test_zeros_among_listwise_labels_are_doubtful(folder, capsys) -> None:
    Path("train.csv").write_text(ROW * 3 + "0" + ROW[1:], encoding="utf-8")
    assert check(LISTWISE, "--data") == 0
    out = capsys.readouterr().out
    assert "warning: train_input_path: 25.0% of the first rows have clk = 0" in out
    Path("train.csv").write_text(ROW * 3, encoding="utf-8")
    assert check(LISTWISE, "--data") == 0
    assert "clk = 0" not in capsys.readouterr().out


def test_nothing_imports_tensorflow(folder) -> None:
    Path("my.config").write_text(LISTWISE, encoding="utf-8")
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, "--config", "my.config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the config is good" in done.stdout


def test_the_cluster_is_checked_too(folder, capsys, monkeypatch) -> None:
    workers = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": %d}}'
    monkeypatch.setenv("TF_CONFIG", workers % 0)
    assert check(POINTWISE) == 2
    assert "TF_CONFIG: error: cluster: 2 processes that train" in capsys.readouterr().out
    monkeypatch.setenv("TF_CONFIG", workers % 2)
    assert check(POINTWISE) == 2
    assert "TF_CONFIG: error: task.index: no such worker" in capsys.readouterr().out
