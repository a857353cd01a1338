"""The package's public names exist, are typed and documented, and load no more than they must."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import easyrec_lite
from tests.test_readme import ROOT, blocks

PAGE = ROOT / "docs" / "api.md"
HEADINGS = dict(re.findall(r"^### `(\w+)(.*)`$", PAGE.read_text("utf-8"), re.M))
NAMES = sorted(set(dir(easyrec_lite)) - {"__version__"})


def test_the_page_documents_each_name_once() -> None:
    assert sorted(HEADINGS) == NAMES
    assert len(re.findall(r"^### ", PAGE.read_text("utf-8"), re.M)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist_with_the_signature_that_the_page_shows(name: str) -> None:
    value = getattr(easyrec_lite, name)
    assert value.__doc__
    shown = re.match(r"\((.*?)\)(?: ->|$)", HEADINGS[name])
    if shown:
        parameters = inspect.signature(value).parameters.values()
        expected = [
            p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters
        ]
        assert _arguments(shown[1]) == [_plain(text) for text in expected]


def _arguments(text: str) -> list[str]:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    named = [
        f"{keyword.arg}={ast.unparse(keyword.value)}" if keyword.arg else ast.unparse(keyword.value)
        for keyword in call.keywords
    ]
    return [_plain(text) for text in [*map(ast.unparse, call.args), *named]]


def _plain(text: str) -> str:
    return re.sub(r"=(\w+)\(.*\)$", r"=\1()", text)


def test_type_checkers_see_what_is_loaded() -> None:
    tree = ast.parse(Path(easyrec_lite.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"easyrec_lite.{home}" for name, home in easyrec_lite._HOMES.items()}


def test_loading_and_checking_a_config_import_no_tensorflow() -> None:
    code = (
        "import sys, easyrec_lite\n"
        "assert len(dir(easyrec_lite)) > 10\n"
        "easyrec_lite.load_config('dssm_on_taobao.config')\n"
        "easyrec_lite.check_config('dssm_on_taobao.config')\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'numpy', 'pyarrow'} & {*sys.modules}\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="Estimater"):
        easyrec_lite.Estimater  # noqa: B018
    with pytest.raises(ImportError):
        from easyrec_lite import Estimater  # noqa: F401


def test_the_examples_of_the_page_run() -> None:
    text = re.sub(r"^```.*$", "", PAGE.read_text("utf-8"), flags=re.M)
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert doctest.DocTestRunner().run(examples).failed == 0
    for block in blocks(PAGE, "python"):
        if ">>>" not in block:
            compile(block, str(PAGE), "exec")
