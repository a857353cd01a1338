"""The profile of a step: what it adds up and prints, never how long anything takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks.speed import bench, data, profile, trace
from easyrec_lite.runs import process as runtime
from tests.benchmarks.test_speed import SMALL, WINDOW, Here

STEP = "while/body/_1/while/"


def span(name: str, kind: str, own: float) -> trace.Span:
    return trace.Span(name, kind, 1, 0.0, own, own)


def test_parts_and_types_of_made_up_spans() -> None:
    found = profile.summary(
        [
            # Of four runs in two steps the lower quartile counts, not those interrupted.
            *(span(f"{STEP}losses/softmax/while/Softmax", "Softmax", s) for s in (80, 2, 2, 90)),
            *(span(f"{STEP}model/user_dnn/bn_1/Batch", "FusedBatchNormV3", 1) for _ in range(2)),
            *(
                span("while/body/_1/gradient_tape/while/model/user_dnn/bn_1/Back", "Grad", 3)
                for _ in range(2)
            ),
            *(span("parse/DecodeCSV", "DecodeCSV", 0.5) for _ in range(2)),
            *(span(trace.EXECUTOR, "", 0.25) for _ in range(8)),
        ],
        steps=2,
    )
    assert [(p["part"], p["ms"], p["backward ms"], p["ops"]) for p in found["parts"]] == [
        ("softmax", 4000, 0, 2),
        ("batch norm", 4000, 3000, 2),
        ("executor", 1000, 0, 4),
        ("input: parse", 500, 0, 1),
    ]
    assert {t["type"]: t["ms"] for t in found["types"]} == {
        "Softmax": 4000,
        "Grad": 3000,
        "FusedBatchNormV3": 1000,
        "executor": 1000,
        "DecodeCSV": 500,
    }


def test_a_trace_holds_the_operations_that_ran(tmp_path: Path) -> None:
    @tf.function(autograph=False)
    def chain(start: tf.Tensor) -> tf.Tensor:
        for number in range(3):
            start = tf.raw_ops.MatrixInverse(input=start, name=f"turn_{number}")
        return start

    matrix = tf.eye(50) * 2.0
    chain(matrix)
    with tf.profiler.experimental.Profile(str(tmp_path)):
        for _ in range(4):
            result = chain(matrix)
        result.numpy()
    spans = trace.read(tmp_path)
    turns = [span for span in spans if span.kind == "MatrixInverse"]
    assert sorted(span.name for span in turns) == sorted(["turn_0", "turn_1", "turn_2"] * 4)
    assert all(0 < span.own <= span.seconds for span in turns)
    around = [span for span in spans if span.name == trace.EXECUTOR]
    assert any(span.own < span.seconds for span in around)


def test_the_profile_of_a_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (bench, profile):
        monkeypatch.setattr(module, "Worker", Here)
    monkeypatch.setattr(profile, "TYPES", 1000)
    # Threads cannot be set any more in this process.
    monkeypatch.setattr(runtime, "use_threads", lambda *_: None)
    made = bench.Bench(data.make(tmp_path, 2000), tmp_path, repeats=2, seconds=0.05, quick=True)
    (whole,), parts, types = (list(lines) for lines in profile.run(made, SMALL))
    assert set(whole["ms/step"]) == WINDOW
    assert whole["cores at work"] > 0
    names = {line["part"] for line in parts}
    assert names <= set(profile.PARTS)
    assert names >= {"softmax", "embeddings", "towers", "batch norm", "update of the weights"}
    assert names >= {"distinct rows", "input: parse", "input: transform", "input: negatives"}
    assert sum(line["share"] for line in parts) == pytest.approx(1)
    softmax: Any = next(line for line in types if line["type"] == "Softmax")
    assert softmax["ops"] == pytest.approx(1)
    backward = {line["part"] for line in parts if line["backward ms"]}
    assert backward >= {"towers", "embeddings", "batch norm"}
