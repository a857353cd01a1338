"""The environment variable TF_CONFIG, which lists the processes of a run. No TensorFlow.

TF_CONFIG='{"cluster": {"chief": ["a:2222"], "worker": ["b:2222"], "ps": ["c:2222"]},
            "task": {"type": "worker", "index": 0}}'
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.core.json_input import parse_json
from easyrec_lite.distribution.cluster import JOIN_SECONDS, ROLES, VARIABLE, Cluster

_SINGLE = ("chief", "evaluator")
_OLD_NAMES = {"master": "chief"}
_ADDRESS = re.compile(r"([^\s:/\[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})")
_EXAMPLE = (
    '{"cluster": {"chief": ["host0:2222"], "worker": ["host1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def from_environment(join_seconds: float = JOIN_SECONDS) -> Cluster | None:
    """Returns the cluster in TF_CONFIG, or None when there is none.

    Args:
      join_seconds: how long this process waits for the others.

    Raises:
      ConfigError: TF_CONFIG is wrong; lists all problems.
    """
    cluster = read_cluster(os.environ.get(VARIABLE, ""))
    return cluster and replace(cluster, join_seconds=join_seconds)


def read_cluster(text: str) -> Cluster | None:
    """Returns the cluster that `text`, a value of TF_CONFIG, describes; None when it has none.

    `master` is accepted as the older name of the chief.

    Raises:
      ConfigError: as `from_environment`.
    """
    if not text.strip():
        return None
    given = parse_json(text, VARIABLE, ConfigError, expected=_EXAMPLE)
    if not isinstance(given, dict):
        raise ConfigError(_problem("", "not a JSON object", expected=_EXAMPLE, found=text[:200]))
    cluster = given.get("cluster") or {}
    if not isinstance(cluster, dict):
        wrong = _problem("cluster", "not an object", "role → list of addresses", repr(cluster))
        raise ConfigError(wrong)
    if not cluster:
        return None
    problems = list(_role_problems(cluster))
    addresses = {
        _role(role): tuple(map(str, listed))
        for role, listed in cluster.items()
        if isinstance(listed, list) and listed
    }
    task = given.get("task")
    problems += _task_problems(task, addresses)
    problems += _address_problems(addresses)
    if problems or not isinstance(task, dict):
        raise ConfigError(problems)
    return Cluster(_role(task["type"]), task["index"], addresses)


def _role(name: str) -> str:
    return _OLD_NAMES.get(name, name)


def _role_problems(cluster: Mapping[str, Any]) -> Iterator[Problem]:
    for role, listed in cluster.items():
        path = f"cluster.{role}"
        if _role(role) not in ROLES:
            yield _unknown(path, role)
        elif not isinstance(listed, list):
            yield _problem(path, "not a list", 'such as ["host0:2222"]', repr(listed)[:200])
        elif role in (*_SINGLE, *_OLD_NAMES) and len(listed) > 1:
            yield _problem(path, f"{len(listed)} processes in the role {role}", "one")
    for old, new in _OLD_NAMES.items():
        if old in cluster and new in cluster:
            yield _problem(f"cluster.{old}", f"{old} and {new} are the same role", "one of them")
    if cluster.get("ps"):
        if not (cluster.get("chief") or cluster.get("master")):
            yield _problem(
                "cluster",
                "parameter servers, but no chief",
                'a "chief": the process that schedules steps on the workers and saves',
                remedy="add a chief, or make worker 0 the chief",
            )
        if not cluster.get("worker"):
            yield _problem("cluster.worker", "parameter servers, but no worker", "at least one")


def _task_problems(task: Any, addresses: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    expected = '{"type": "worker", "index": 0}'
    if not isinstance(task, dict):
        yield _problem("task", "does not name this process", expected, repr(task)[:200])
        return
    kind, index = task.get("type"), task.get("index")
    role = _role(kind) if isinstance(kind, str) else ""
    if role not in ROLES:
        yield _unknown("task.type", kind)
        return
    count = len(addresses.get(role, ()))
    if not count:
        yield _problem(
            "task.type",
            f"the cluster has no {kind}",
            f"one of {', '.join(addresses)}",
            nearest=nearest(role, addresses),
            remedy=f"add its address under {kind!r} in the TF_CONFIG of all, or correct task.type",
        )
    elif type(index) is not int or not 0 <= index < count:
        known = f"a whole number from 0 to {count - 1}" if count > 1 else "0"
        yield _problem("task.index", f"no such {kind}", known, repr(index))


def _address_problems(addresses: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    known: dict[str, str] = {}
    for role, listed in addresses.items():
        for index, address in enumerate(listed):
            path = f"cluster.{role}[{index}]"
            match = _ADDRESS.fullmatch(address)
            if match is None or not 0 < int(match[2]) < 2**16:
                yield _problem(path, "not an address", "host:port", repr(address))
            elif address in known:
                other = f"the address of {known[address]}"
                yield _problem(path, f"address {address} is used twice", "its own port", other)
            known.setdefault(address, f"cluster.{role}[{index}]")


def _unknown(path: str, role: object) -> Problem:
    return _problem(
        path,
        f"unknown task type {role!r}",
        "one of " + ", ".join(ROLES),
        nearest=nearest(role, [*ROLES, *_OLD_NAMES]) if isinstance(role, str) else "",
    )


def _problem(
    path: str,
    message: str,
    expected: str = "",
    found: str = "",
    nearest: str = "",
    remedy: str = "",
) -> Problem:
    return Problem(message, Place(VARIABLE), path, expected, found, nearest, remedy)
