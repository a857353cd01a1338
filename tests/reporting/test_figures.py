"""Pictures: the lengths and places in the SVG are the numbers'; texts are texts."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from easyrec_lite.reporting.figures import LABEL_WIDTH, bars, curves, points, shortened, text_width
from tests.reporting.made import HOSTILE
from tests.reporting.reading import Node, parse

pytestmark = pytest.mark.filterwarnings("error")


def outlines(node: Node, colour: str) -> list[np.ndarray]:
    """Returns the corners [n, 2] of each path drawn in a colour of the page."""
    paths = [path for path in node.all("path") if f"{colour})" in (path.attributes["style"] or "")]
    return [
        np.array(re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path.attributes["d"] or ""), float)
        for path in paths
        if path.attributes.get("clip-path")
    ]


def texts(node: Node) -> list[str]:
    return [text.text for text in node.all("text")]


def test_curves_have_the_values_places() -> None:
    steps, values = [0, 10, 40, 50], [1.0, 3.0, 2.5, -1.0]
    made = parse(curves("f", "words", {"a": (steps, values), "b": ([20], [2.0])}, "loss"))
    (line,) = outlines(made, "series-0")
    assert np.corrcoef(line[:, 0], steps)[0, 1] == pytest.approx(1)
    assert np.corrcoef(line[:, 1], values)[0, 1] == pytest.approx(-1)
    assert {"a", "b", "step", "loss"} <= set(texts(made))


def test_bars_have_the_values_lengths() -> None:
    one, two = [3.0, 1.0, 0.0], [0.5, 2.0, 1.5]
    made = parse(bars("f", "words", ["x", "y", "z"], {"one": one, "two": two}, "share"))
    first, second = (outlines(made, f"series-{index}") for index in (0, 1))
    lengths = [np.ptp(corners[:, 0]) for corners in [*first[:3], *second[:3]]]
    np.testing.assert_allclose(np.divide(lengths, lengths[0]) * 3, [*one, *two], atol=1e-4)
    tops = [corners[:, 1].min() for corners in first[:3]]
    assert tops == sorted(tops)
    assert [text for text in texts(made) if text in "xyz"] == ["x", "y", "z"]


def marks(node: Node, colour: str) -> np.ndarray:
    """Returns the places [n, 2] of the points drawn in a colour of the page."""
    uses = [use for use in node.all("use") if f"{colour})" in (use.attributes["style"] or "")]
    return np.array([[use.attributes["x"], use.attributes["y"]] for use in uses], float)


def test_points_have_the_values_places() -> None:
    places, values = [1e-4, 1e-3, 1e-2, 1.0], [3.0, 1.0, 2.5, -1.0]
    other = {"b": ([1e-1], [2.0])}
    made = parse(points("f", "words", {"a": (places, values), **other}, "rate", "m", log=True))
    found = marks(made, "series-0")[:4]  # the last one is of the legend
    assert np.corrcoef(found[:, 0], np.log(places))[0, 1] == pytest.approx(1)
    assert np.corrcoef(found[:, 1], values)[0, 1] == pytest.approx(-1)
    assert {"a", "b", "rate", "m", "0.01"} <= set(texts(made))
    assert not [text for text in texts(made) if "$" in text]


def test_a_short_logarithmic_range_has_several_numbers() -> None:
    made = parse(points("f", "words", {"a": ([0.03, 0.4], [1, 2])}, "rate", "m", log=True))
    assert {"0.05", "0.1", "0.2"} <= set(texts(made))


def test_points_of_texts_stand_in_their_order() -> None:
    places = ["标题", "$x$", "标题", "z"]
    order = ["z", "$x$", "never", "标题"]
    made = parse(points("f", "words", {"a": (places, [1.0, 2.0, 3.0, 4.0])}, "x", "y", order))
    found = marks(made, "series-0")[:, 0]
    ranks = [order.index(place) for place in places]
    assert np.corrcoef(found, ranks)[0, 1] == pytest.approx(1)
    assert [text for text in texts(made) if text in order] == order


@pytest.mark.parametrize("labels", [HOSTILE, ["$", "\\frac{1}", "", "é" * 200, "标" * 200]])
def test_labels_are_shown_as_they_are(labels: list[str]) -> None:
    made = parse(bars("f", " ".join(labels), labels, {"w": [1.0] * len(labels)}, "share"))
    assert [shortened(label) for label in labels if label] == [
        text for text in texts(made) if text in set(map(shortened, labels))
    ]
    assert made.all("script") == []
    assert len(made.all("svg")) == 1


def test_a_picture_fits_into_a_page() -> None:
    pictures = [bars(f"f{i}", "words <b>", ["x"], {"w": [1.0]}, "share") for i in range(2)]
    made = parse("".join(pictures))
    ids = [node.attributes["id"] for node in made.everything() if "id" in node.attributes]
    assert len(ids) == len(set(ids)) > 10
    named = re.findall(r'(?:url\(|href=")#([^)"]+)', "".join(pictures))
    assert named
    assert set(named) <= set(ids)
    for svg in made.all("svg"):
        assert svg.attributes["role"] == "img"
        assert svg.attributes["aria-label"] == "words <b>"
    assert "#fe0" not in pictures[0]
    assert "font-family" not in pictures[0]
    assert "http" not in pictures[0]
    assert {node.name for node in made.everything()}.isdisjoint({"style", "metadata", "script"})


def test_a_picture_is_the_same_each_time() -> None:
    first, second = (curves("f", "w", {"a": ([1, 2], [1.0, 2.0])}, "y") for _ in range(2))
    assert first == second


def test_without_matplotlib_there_are_words_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for made in (bars("f", "w", ["x"], {"w": [1.0]}, "s"), curves("f", "w", {}, "s")):
        assert "Matplotlib is not installed" in made
        assert "<svg" not in made


def test_labels_are_cut_by_their_width() -> None:
    assert text_width("abc") == 3
    assert text_width("标题a") == 5
    assert shortened("a\n b\tc\0") == "a b c"
    for letter in "a标":
        assert text_width(shortened(letter * 99)) in (LABEL_WIDTH - 1, LABEL_WIDTH)
    assert shortened("b" * LABEL_WIDTH) == "b" * LABEL_WIDTH
