"""What the README and the Chinese quick start tell to type exists, parses and runs."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from easyrec_lite import explain
from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.commands import COMMANDS
from tests.commands import call

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
GUIDES = [README, ROOT / "docs" / "quickstart.zh.md"]
PAGES = [*GUIDES, ROOT / "docs" / "install.md"]
SERVING = ROOT / "docs" / "serving.md"
SHIPPED = {path.name for path in (ROOT / "configs").iterdir()}
WITHOUT_CONFIG = {
    "cache",
    "compare",
    "datasets",
    "explain",
    "predict",
    "recommend",
    "build_index",
    "report",
}
MADE_UP = {"my.config"}  # stands for the reader's own


def blocks(page: Path, language: str) -> list[str]:
    """Returns the fenced code of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def commands(page: Path) -> Iterator[list[str]]:
    """Yields the words of each shell command, those of an `&&` chain apart."""
    for block in blocks(page, "bash"):
        words: list[str] = []
        lexer = shlex.shlex(block.replace("\\\n", " "), posix=True, punctuation_chars="&\n")
        lexer.whitespace = " \t"
        lexer.commenters = "#"
        for token in [*lexer, "\n"]:
            if token.strip("&\n"):
                words.append(token)
            elif words:
                yield words
                words = []


def calls(page: Path) -> list[tuple[str, list[str]]]:
    """Returns (module, arguments) of each `python -m easyrec_lite.…`."""
    return [
        (words[2], words[3:])
        for words in commands(page)
        if words[:2] == ["python", "-m"] and words[2].startswith("easyrec_lite.")
    ]


CALLS = [(page.name, *call) for page in [*GUIDES, SERVING] for call in calls(page)]


def value_of(flag: str, arguments: list[str]) -> str | None:
    return arguments[arguments.index(flag) + 1] if flag in arguments else None


def test_the_first_screen_holds_two_commands_and_both_languages_the_same() -> None:
    first_screen = "".join(README.read_text("utf-8").splitlines(keepends=True)[:28])
    assert first_screen.count("```bash") == 2
    assert "docs/quickstart.zh.md" in first_screen
    english, chinese = (blocks(page, "bash") for page in GUIDES)
    assert english[:2] == chinese[:2]
    assert [name for name, *_ in calls(README)] == [name for name, *_ in calls(GUIDES[1])]


def test_ci_runs_the_test_command() -> None:
    command = blocks(README, "bash")[1].split("&&")[-1].strip()
    assert command.startswith("python -m pytest")
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line.startswith(command + " ")]


def test_every_command_is_shown() -> None:
    modules = [
        *(ROOT / "easyrec_lite").glob("*.py"),
        *(ROOT / "easyrec_lite").glob("*/__main__.py"),
    ]
    run = [path for path in modules if '__name__ == "__main__"' in path.read_text("utf-8")]
    names = {path.parent.name if path.stem == "__main__" else path.stem for path in run}
    assert names - {"easyrec_lite"} == set(COMMANDS)
    assert {f"easyrec_lite.{name}" for name in COMMANDS} == {module for module, _ in calls(README)}


@pytest.mark.parametrize(("page", "module", "arguments"), CALLS)
def test_flags_are_known(
    page: str, module: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, rest = cli.split_edits(arguments)
    is_datasets = f"{module}.__main__" == datasets.__name__
    subcommand = rest[:1] if is_datasets and rest[0][0] != "-" else []
    command = datasets if is_datasets else importlib.import_module(module)
    parser = command.parser()
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([*subcommand, "--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"--[\w]+", capsys.readouterr().out))
    assert {word.split("=")[0] for word in rest if word.startswith("--") and word != "--"} <= known


def source_of(config: str) -> str:
    """Returns the shipped config behind that of a run, `experiments/NAME/pipeline.config`."""
    parts = Path(config).parts
    if parts[0] != "experiments":
        return config
    folder, name = parts[1:]
    assert name == "pipeline.config"
    return f"{folder}.config"


@pytest.mark.parametrize(("page", "module", "arguments"), CALLS)
def test_configs_exist_and_their_edits_fit(page: str, module: str, arguments: list[str]) -> None:
    config = value_of("--config", arguments)
    if config is None:
        assert module.removeprefix("easyrec_lite.") in WITHOUT_CONFIG
        return
    config = source_of(config)
    edits, _ = cli.split_edits(arguments)
    edits |= json.loads(value_of("--edit_config_json", arguments) or "{}")
    assert config in SHIPPED | MADE_UP
    if config in SHIPPED:
        assert load_config(config, edits).config != load_config(config).config or not edits


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_explained_paths_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for module, arguments in calls(page):
        if module == "easyrec_lite.explain":
            call(explain, arguments)
            assert "status:   implemented" in capsys.readouterr().out
    with pytest.raises(ConfigError):
        call(explain, ["model_config.dssm.temprature"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_names_of_configs_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = set(re.findall(r"[\w/.…]+\.config\b(?! import)", text)) - MADE_UP
    assert {name for name in named if not name.endswith("/pipeline.config")} <= SHIPPED


def test_the_table_of_configs_is_complete() -> None:
    assert set(re.findall(r"^\| `(\w+\.config)`", README.read_text("utf-8"), re.M)) == SHIPPED


def test_the_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    call(datasets, ["taobao-synthetic", "--out", "data/taobao-synthetic", "--rows", "20000"])
    names: dict[str, object] = {}
    for block in blocks(README, "python"):
        exec(compile(block, str(README), "exec"), names)
    assert names["result"].step == 20  # type: ignore[attr-defined]
    assert "20 all steps are done" in capsys.readouterr().out
    assert names["tower"](**names["row"])["user_tower_emb"].shape == (1, 32)  # type: ignore[operator]
