"""What surrounds the calls by which TensorFlow connects the processes of a cluster."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from easyrec_lite.distribution.addresses import port_in_use
from easyrec_lite.distribution.cluster import Cluster

# How long TensorFlow may take to connect processes that are all there.
CONNECT_SECONDS = 120.0
_NO_PORT = "Could not start gRPC server"


@contextmanager
def connecting(cluster: Cluster) -> Iterator[None]:
    """Within the block TensorFlow starts its server and connects to the other processes.

    Meanwhile it holds Python's lock, so that no thread and no handler of ours runs: if a process
    dies just then, SIGALRM ends this one after `CONNECT_SECONDS`. TensorFlow also takes SIGTERM
    over; at the end of the block the signal is Python's again.

    Args:
      cluster: the processes.

    Raises:
      RunError: this process's port is in use.
    """
    before = signal.setitimer(signal.ITIMER_REAL, CONNECT_SECONDS)
    try:
        yield
    except tf.errors.UnknownError as error:
        if _NO_PORT in str(error):
            raise port_in_use(cluster, "TensorFlow's server cannot start there") from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
