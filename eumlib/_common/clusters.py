"""Ray clusters: how to join one, and work that is spread over its cores."""

from __future__ import annotations

import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import eumlib
from eumlib._common.errors import EumlibError, shortened
from eumlib._common.files import scratch_folder
from eumlib._common.progress import progress_bar
from eumlib._common.spreading import QUICK, Result, Spread

LOCAL = "local"
CONNECT_SECONDS = 5
AHEAD = 2  # pieces under way a core: enough that none waits
TRIES = 3  # of a piece whose node dies
_STORE_BYTES = 500_000_000  # of a cluster of our own: shards of a megabyte, or 100,000 embeddings
# Ray turns 127.0.0.1 into the address by which others see this machine, and listens there.
_LOOPBACK = "127.0.0.2" if sys.platform == "linux" else None
# Ray's head speaks HTTP/2 (RFC 9113, 3.4): the preface and empty settings are met with settings.
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_HTTP2_SETTINGS = b"\x04"


class ClusterError(EumlibError, RuntimeError):
    """A cluster that cannot be joined or cannot do the work; the message says what to do."""


@contextmanager
def over_cluster(address: str) -> Iterator[Spread]:
    """Spread work over the cores of a Ray cluster while the block runs; `address` as in `joined`.

    A piece whose node dies is done by another. Every node needs this package in the same version.

    Raises:
        ClusterError: as in `joined`; and when used, if a piece fails.
    """
    with joined(address) as ray:

        def spread(
            work: Callable[..., Result], given: tuple, pieces: Sequence, what: str
        ) -> Iterator[Result]:
            do = ray.remote(num_cpus=1, max_retries=TRIES)(_do)
            shared, waiting, running = ray.put(given), deque(pieces), []
            most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            with progress_bar(len(pieces), what, "piece", delay=QUICK) as progress:
                while waiting or running:
                    while waiting and len(running) < most:
                        running.append(
                            do.remote(eumlib.__version__, work, shared, waiting.popleft())
                        )
                    done, running = ray.wait(running)
                    try:
                        yield ray.get(done[0])
                    except ray.exceptions.RayError as error:
                        raise ClusterError(
                            f"the Ray cluster at {address} could not go on {what}: "
                            f"{shortened(str(getattr(error, 'cause', None) or error), 300)}"
                        ) from error
                    progress.update()

        yield spread


def _do(version: str, work: Callable[..., Result], given: tuple, piece: object) -> Result:
    """One piece, on a core of a node."""
    import ray

    if eumlib.__version__ != version:
        raise ClusterError(
            f"node {ray.util.get_node_ip_address()} has eumlib {eumlib.__version__}, and the "
            f"machine that asks {version}: install the same version on every node"
        )
    return work(*given, piece)


@contextmanager
def joined(address: str) -> Iterator[ModuleType]:
    """Ray, as a driver of the cluster while the block runs.

    Args:
        address: ``HOST:PORT`` of the head of a cluster of which this machine is a node, or
            ``"local"`` for one of this machine's cores, which ends with the block.

    Raises:
        ClusterError: there is no Ray, nothing listens at the address, or something else does.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    try:
        import ray
    except ImportError as error:
        raise ClusterError(
            f'a cluster needs the package ray: pip install --editable ".[cluster]" ({error})'
        ) from error
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    with scratch_folder() as folder:
        own = {
            "include_dashboard": False, "object_store_memory": _STORE_BYTES,
            "_temp_dir": str(folder), "_node_ip_address": _LOOPBACK,
        }  # fmt: skip
        if address != LOCAL:
            _knock(address)
        try:
            ray.init(address, **quiet, **(own if address == LOCAL else {}))
        except Exception as error:  # some of Ray's are nothing more
            raise ClusterError(
                f"the Ray cluster at {address} cannot be joined: {shortened(str(error), 300)}"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Find out quickly whether anyone is there; Ray waits for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(
            f"{address} is no address of a Ray cluster: give HOST:PORT of its head, or {LOCAL}"
        )
    try:
        with socket.create_connection((host, int(port)), CONNECT_SECONDS) as connection:
            connection.settimeout(CONNECT_SECONDS)
            connection.sendall(_HTTP2_HELLO)
            answer = connection.recv(4)
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"no Ray cluster answers at {address} ({error}): start one with `ray start --head "
            f"--port={port}`, let this machine join it, or give {LOCAL}"
        ) from error
    if answer[3:] != _HTTP2_SETTINGS:
        raise ClusterError(f"what answers at {address} is no Ray cluster: give its head's port")
