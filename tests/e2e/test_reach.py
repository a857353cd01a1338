"""What a run touches: the files that its config names, and its model folder; nothing is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite import check
from tests import commands
from tests.serving import exported

WATCH = """
import json, os, site, sys
events, names = [], {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink",
                     "os.link", "os.truncate", "os.chmod", "subprocess.Popen", "os.system",
                     "os.exec", "os.posix_spawn", "os.fork", "socket.connect"}
def hook(event, arguments):
    if event in names and len(events) < 100000:
        shown = [os.fsdecode(a) if isinstance(a, (bytes, os.PathLike)) else a for a in arguments]
        events.append([event, *(a if isinstance(a, (str, int)) else repr(a) for a in shown)])
from easyrec_lite import train
from easyrec_lite.runs.process import load_tensorflow
from easyrec_lite.runs import command_line as cli
load_tensorflow()
sys.addaudithook(hook)
code = cli.run(train.parser, train.main, sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump(events, file)
sys.exit(code)
"""
# Names that would lead elsewhere if a file were named after them.
HOSTILE = [
    ('input_names: "brand"', 'input_names: "brand" feature_name: "../../../evil/a"'),
    ('feature_names: ["item_id", "brand"]', 'feature_names: ["item_id", "../../../evil/a"]'),
]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def tree(folder: Path, without: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if not path.is_relative_to(without))
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in files}


def below(path: str, folders: list[str]) -> bool:
    whole = Path(os.path.abspath(path))
    return any(whole.is_relative_to(folder) for folder in folders)


def test_a_run_reads_and_writes_where_its_config_says(tmp_path: Path) -> None:
    data, temporary, home = tmp_path / "data", tmp_path / "temporary", tmp_path / "home"
    for folder in (data, temporary, home):
        folder.mkdir()
    exported.write_data(data)
    (data / "secret").write_text("not named")
    text = exported.CONFIG.format(data=data)
    for old, new in HOSTILE:
        assert old in text
        text = text.replace(old, new)
    config = data / "hostile.config"
    config.write_text(text, "utf-8")
    model, said = data / "model", temporary / "events"
    cache = data / ".easyrec_cache"
    before = tree(tmp_path, temporary)
    own_of_libraries = {"TMPDIR": str(temporary), "KERAS_HOME": str(temporary / "keras")}
    environment = {**os.environ, **own_of_libraries, "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(said), f"--config={config}"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = tree(tmp_path, temporary)
    new = {path for path in after if after[path] != before.get(path)} - before.keys()
    assert {path for path in before if after.get(path) != before[path]} == set()
    assert {path for path in new if not below(path, [str(model), str(cache)])} == set()
    assert (model / "export" / "final" / "5" / "manifest.json").is_file()

    events = json.loads(said.read_text())
    own = [str(model), str(cache), str(temporary), "/dev/null"]
    named = [str(config), str(data / "rows.csv"), str(data / "items.txt")]
    program = [sys.prefix, sys.base_prefix, str(Path(check.__file__).parents[1])]
    system = ["/proc", "/sys", "/dev", "/usr", "/etc", "/lib"]
    opened = [event[1:] for event in events if event[0] == "open" and isinstance(event[1], str)]
    writes = [
        path
        for path, _, flags in opened
        if flags & WRITES and not below(path, [*own, "/proc/self"])
    ]
    assert writes == []
    reads = [path for path, _, _ in opened if not below(path, own + named + program + system)]
    assert reads == []
    others = [event for event in events if event[0] != "open"]
    touched = [p for e in others if e[0].startswith("os.") for p in e[1:] if isinstance(p, str)]
    assert [path for path in touched if not below(path, own)] == []
    assert [e for e in others if not e[0].startswith("os.")] == []
    assert len(opened) > 10


@pytest.mark.parametrize(
    "code",
    [
        "lambda x: open('/etc/passwd').read()",
        "lambda x: tf.io.read_file('/etc/passwd')",
        "lambda x: tf.io.write_file('/tmp/evil', 'a')",
        "lambda x: __import__('os').system('true')",
        "lambda x: x.__class__.__base__.__subclasses__()",
        "lambda x: tf.py_function(exit, [], tf.int64)",
        "lambda x: eval('1')",
    ],
)
def test_code_in_a_config_reaches_nothing(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported.write_data(tmp_path)
    config = tmp_path / "a.config"
    config.write_text(exported.CONFIG.format(data=tmp_path), "utf-8")
    edits = json.dumps({"feature_config.features[0].normalizer_fn": code})
    assert commands.run(check, [f"--config={config}", f"--edit_config_json={edits}"]) == 2
    assert "normalizer_fn" in capsys.readouterr().out
