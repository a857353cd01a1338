"""The addresses of a cluster's processes: connecting to them, and listening at the own one."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from easyrec_lite.core.errors import Place, Problem, RunError
from easyrec_lite.distribution.cluster import VARIABLE, Cluster

# The longest wait for an answer.
ANSWER_SECONDS = 2.0


def connect(address: str) -> socket.socket:
    """Returns a connection to the process at `host:port`.

    Raises:
      OSError: there is none.
    """
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS)


def answers(address: str) -> bool:
    """Returns whether a process listens at `host:port`."""
    try:
        connect(address).close()
    except OSError:
        return False
    return True


def listen(cluster: Cluster) -> socket.socket:
    """Returns a socket that listens at this process's port, on all interfaces as TensorFlow does.

    Raises:
      RunError: the port is in use, or not permitted.
    """
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", _port(cluster)), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise port_in_use(cluster, error.strerror or str(error)) from error


def check_port(cluster: Cluster) -> None:
    """Checks that this process can listen at its port.

    Raises:
      RunError: it cannot.
    """
    listen(cluster).close()


def port_in_use(cluster: Cluster, reason: str) -> RunError:
    """Returns the error that this process cannot listen at its port."""
    port = _port(cluster)
    return RunError(
        Problem(
            f"{cluster.name} cannot listen at port {port}",
            Place(VARIABLE),
            f"cluster.{cluster.role}[{cluster.index}]",
            expected="a port that no other process of this machine uses",
            found=f"{cluster.address}: {reason}",
            remedy=f"end the process that uses it (ss -ltnp 'sport = :{port}' shows it), or give "
            "another port in the TF_CONFIG of all",
        )
    )


def listed(processes: Mapping[str, str]) -> str:
    """Returns processes, name → address, as text."""
    return ", ".join(f"{name} at {address}" for name, address in processes.items())


def _port(cluster: Cluster) -> int:
    return int(cluster.address.rpartition(":")[2])
