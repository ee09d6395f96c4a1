"""Two nodes of Ray on the loopback of this machine, which the tests start, kill and stop."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from eumlib.embeddings import RayCluster

HEAD, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
TESTS = Path(__file__).parent


class TwoNodes:
    """A cluster of a head and a second node, which can be killed, and is there again when asked."""

    def __init__(self, folder):
        from ray.cluster_utils import Cluster

        self._common = {"num_cpus": 1, "temp_dir": str(folder)}
        dies_soon = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                **self._common, "node_ip_address": HEAD, "include_dashboard": False,
                "_system_config": dies_soon,
            },
        )  # fmt: skip
        self._second = self.add(SECOND)
        self.address = self._cluster.address

    def add(self, ip, **environment):
        node = self._cluster.add_node(
            **self._common, node_ip_address=ip, env_vars={**os.environ, **environment}
        )
        return node

    def kill(self, node):
        self._cluster.remove_node(node, allow_graceful=False)

    def kill_second(self):
        self.kill(self._second)
        self._second = None

    def both(self):
        self._second = self._second or self.add(SECOND)
        return RayCluster(self.address)

    def stop(self):
        self._cluster.shutdown()


@contextmanager
def two_nodes():
    """A cluster while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="ray."))  # tmp_path is too long for the sockets in it
    (folder / "ray").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", str(folder))  # for its file of the current cluster's address
        patch.setenv("PYTHONPATH", os.pathsep.join((str(TESTS), str(TESTS.parent))))
        try:
            nodes = TwoNodes(folder / "ray")
            try:
                yield nodes
            finally:
                nodes.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
