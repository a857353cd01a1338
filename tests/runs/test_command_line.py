from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import flags

from easyrec_lite import predict, recommend, train
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem, ProblemError
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs import config_flags
from tests import commands
from tests.commands import Command


@pytest.fixture(autouse=True)
def _logger_levels() -> Iterator[None]:
    """absl keeps a level that it refused."""
    yield
    flags.FLAGS["logger_levels"].unparse()


def parse(*argv: str) -> Namespace:
    return train.parser().parse_args(["--config", "c", *argv])


def edits(*argv: str) -> dict[str, object]:
    return config_flags.edits_from(parse(*argv))


def refused(*argv: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        edits(*argv)
    return caught.value.problems[0]


def test_flags_and_their_other_names() -> None:
    parser = train.parser()
    args = parser.parse_args(
        ["--pipeline_config_path", "c", "--import", "a", "--import", "b", "--model_dir=m"]
    )
    assert (args.config, args.plugins, args.model_dir) == ("c", ["a", "b"], "m")
    assert parser.parse_args(["--config=c"]).plugins == []


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), True),
        (("--continue_train",), True),
        (("--continue_train=false",), False),
        (("--continue_train", "False"), False),
        (("--continue_train=1",), True),
    ],
)
def test_booleans(argv: tuple[str, ...], expected: bool) -> None:
    assert parse(*argv).continue_train is expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), {}),
        (("--train_config.num_steps=100",), {"train_config.num_steps": "100"}),
        (("--train_config.num_steps", "100"), {"train_config.num_steps": "100"}),
        (("--train_config.num_gpus_per_worker", "-1"), {"train_config.num_gpus_per_worker": "-1"}),
        (
            ("--feature_config.features[input_names[0]=a].embedding_dim=8",),
            {"feature_config.features[input_names[0]=a].embedding_dim": "8"},
        ),
        (("--data_config.separator==",), {"data_config.separator": "="}),
        (("--data_config.separator=",), {"data_config.separator": ""}),
        (('--data_config.label_fields=["a", "b"]',), {"data_config.label_fields": ["a", "b"]}),
        (("--data_config.separator=[",), {"data_config.separator": "["}),
        (
            ("--model_dir", "m", "--train_input_path=a,b"),
            {"model_dir": "m", "train_input_path": "a,b"},
        ),
        (("--fine_tune_checkpoint=k",), {"train_config.fine_tune_checkpoint": "k"}),
        (
            ("--edit_config_json", '{"a.b": [1]}', "--eval_input_path=e"),
            {"a.b": [1], "eval_input_path": "e"},
        ),
        (
            ("--train_config.seed=3", "--edit_config_json", '{"train_config.seed": 2}'),
            {"train_config.seed": "3"},
        ),
    ],
)
def test_edits(argv: tuple[str, ...], expected: dict[str, object]) -> None:
    assert edits(*argv) == expected


@pytest.mark.parametrize(
    ("argv", "says", "nearest"),
    [
        (("--model_dri=x",), "unknown flag --model_dri=x", "--model_dir"),
        (
            ("--train_confg.num_steps=1",),
            "unknown flag --train_confg.num_steps=1",
            "--train_config",
        ),
        (("stray",), "unknown argument stray", ""),
        (("--train_config.num_steps",), "--train_config.num_steps needs a value", ""),
        (
            ("--train_config.num_steps", "--model_dir=m"),
            "--train_config.num_steps needs a value",
            "",
        ),
        (("--continue_train=perhaps",), "argument --continue_train: 'perhaps' is neither", ""),
        (("--edit_config_json", "{'a': 1}"), "broken JSON", ""),
        (("--edit_config_json", "[1]"), "not a JSON object", ""),
        (("--model_dir",), "argument --model_dir: expected one argument", ""),
        (("--verbosity=loud",), "flag --verbosity=loud", ""),
        (("--logger_levels=a:loud",), "Unknown level: 'loud'", ""),
    ],
)
def test_refused_flags(argv: tuple[str, ...], says: str, nearest: str) -> None:
    problem = refused(*argv)
    assert problem.message.startswith(says)
    assert problem.nearest == nearest


def test_config_is_required_where_it_is() -> None:
    with pytest.raises(ConfigError, match="required: --config"):
        train.parser().parse_args([])
    assert config_flags.config_parser("report", [], required=False).parse_args([]).config is None


def test_a_misspelt_flag_is_told_beside_the_one_that_it_stands_for() -> None:
    with pytest.raises(ConfigError) as caught:
        train.parser().parse_args(["--confg=c", "--train_config.seed=1"])
    required, unknown = caught.value.problems
    assert "required: --config" in required.message
    assert (unknown.message, unknown.nearest) == ("unknown flag --confg=c", "--config")


@pytest.mark.parametrize("flag", ["saved_model_dir", "model_dir"])
def test_a_folder_without_a_config_is_named_with_its_flag(flag: str, tmp_path: Path) -> None:
    def problem(folder: Path | None) -> Problem:
        args = parse()
        args.config = None
        setattr(args, flag, None if folder is None else str(folder))
        with pytest.raises(ProblemError) as caught:
            config_flags.exported_pipeline(args, flag)
        return caught.value.problems[0]

    (tmp_path / "model").mkdir()
    assert f"neither --{flag} nor --config" in problem(None).message
    near = problem(tmp_path / "modle")
    assert (near.message, near.nearest) == ("no such file or folder", str(tmp_path / "model"))
    empty = problem(tmp_path / "model")
    assert empty.message.startswith("no pipeline.config in this folder")
    assert empty.place == Place(str(tmp_path / "model"))
    assert f"--{flag}" in empty.remedy


def test_plugins_are_imported_before_the_config_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugin_of_a_test.py").write_text("raise KeyError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyError, match="imported"):
        config_flags.pipeline_from(parse("--import", "plugin_of_a_test"))
    with pytest.raises(ConfigError, match="no_such_plugin"):
        config_flags.pipeline_from(parse("--import", "no_such_plugin"))


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ConfigError(Problem("broken", Place("a.config", 3, 1))), 2, "a.config:3:1: error: broken"),
        (DataError([Problem("one"), Problem("two")]), 2, "2 data problems"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 141, ""),
        (OSError(28, "No space left on device", "out"), 2, "out: error: No space left on device"),
    ],
)
def test_how_errors_end(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(args: Namespace) -> int:
        raise error

    assert cli.run(cli.Parser, main, []) == code
    printed = capsys.readouterr().err
    assert says in printed
    assert "Traceback" not in printed


def parser() -> cli.Parser:
    made = cli.Parser()
    made.add_argument("words", nargs="*")
    return made


def test_exit_codes_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(parser, lambda args: None, []) == 0
    assert cli.run(parser, lambda args: len(args.words), ["a", "b", "c"]) == 3
    assert cli.run(parser, lambda args: sys.exit(4), []) == 4
    assert cli.run(parser, lambda args: 1, ["--help"]) == 0
    assert cli.run(parser, lambda args: 1, ["--no_such_flag"]) == 2
    assert "unknown flag --no_such_flag" in capsys.readouterr().err


def test_other_errors_are_bugs_and_escape() -> None:
    def main(args: Namespace) -> int:
        raise OSError("without a number")

    with pytest.raises(OSError, match="without a number"):
        cli.run(parser, main, [])


def test_a_closed_pipe_is_quiet() -> None:
    code = (
        "import sys; from easyrec_lite.runs import command_line as cli\n"
        "def main(args):\n    for _ in range(100000): print('line')\n"
        "sys.exit(cli.run(cli.Parser, main, []))"
    )
    command = f'"{sys.executable}" -c "$CODE" | head -1'
    shell = subprocess.run(
        ["bash", "-c", command], env={"CODE": code, "PATH": "/usr/bin:/bin"}, capture_output=True
    )
    assert shell.stdout == b"line\n"
    assert shell.stderr == b""


@pytest.mark.parametrize("command", [predict, recommend])
@pytest.mark.parametrize("name", ["r.json", "R.JSON", "rows.csv.gz"])
def test_outputs_of_formats_that_are_not_written_are_refused(
    command: Command, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = ["--user", "{}"] if command is recommend else ["--input_path", "rows.csv"]
    output = tmp_path / name
    flags = ["--saved_model_dir", str(tmp_path), *users, "--output_path", str(output)]
    assert commands.run(command, flags) == 2
    printed = capsys.readouterr().err
    assert "--output_path" in printed
    assert str(output) in printed
    assert ".parquet" in printed
    assert not output.exists()


def test_a_file_of_seen_items_is_not_taken_for_an_id() -> None:
    with pytest.raises(ConfigError) as error:
        recommend._ids("@seen.txt")
    for part in ("--seen", "@seen.txt", "JSON list", "--seen_column"):
        assert part in str(error.value)
    assert recommend._ids('["@a"]') == ["@a"]
    assert recommend._ids("17, 4") == ["17", "4"]
