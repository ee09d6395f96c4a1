"""Joining a Ray cluster, and work that its two nodes do."""

import os
import signal
import socket
import sys
import time

import pytest
from builders import drawn_table

import eumlib
from eumlib._common import clusters as module
from eumlib._common.clusters import ClusterError, over_cluster
from eumlib.verification import StripeCounter, comparison, evaluate


def scaled(factor, piece):
    return factor * piece


def dies_once(path, piece):
    """The first that comes kills its process."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return piece
    os.kill(os.getpid(), signal.SIGKILL)


def fails(piece):
    raise ValueError(f"no\nluck with {piece}")


def test_every_piece_is_done_once_though_a_worker_dies(nodes, tmp_path):
    with over_cluster(nodes.both().address) as spread:
        assert sorted(spread(scaled, (3,), range(40), "scaling")) == [3 * n for n in range(40)]
        marked = str(tmp_path / "died")
        assert sorted(spread(dies_once, (marked,), range(20), "dying")) == list(range(20))
    assert os.path.exists(marked)


def test_what_goes_wrong_on_a_node_is_said_in_a_line(nodes, monkeypatch):
    with over_cluster(nodes.both().address) as spread:
        with pytest.raises(ClusterError, match=r"could not go on failing: .*no luck with 7"):
            list(spread(fails, (), [7], "failing"))
        monkeypatch.setattr(eumlib, "__version__", "9.9")
        with pytest.raises(ClusterError, match=r"node 127\.0\.0\.[23] has eumlib 0.* 9\.9: "):
            list(spread(scaled, (1,), [1], "scaling"))


def test_rates_counted_by_a_cluster_are_those_of_this_machine(nodes, monkeypatch):
    monkeypatch.setattr(comparison, "FEW", 0)
    table = drawn_table(people=150, pictures=3)
    here = evaluate(table, {}, resamples=5)
    with over_cluster(nodes.both().address) as spread:
        there = evaluate(table, {}, resamples=5, counter=StripeCounter(spread))
    assert there.equals(here)


def test_without_ray_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ClusterError, match=r'pip install --editable "\.\[cluster\]"'),
        over_cluster("local"),
    ):
        pass


@pytest.fixture
def mute(monkeypatch):
    """The port of one who listens and never answers."""
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_an_address_without_a_cluster_is_refused_soon(mute, server):
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    web = server.address.rpartition(":")[2]
    start = time.monotonic()
    for address, told in {
        f"127.0.0.1:{nobody}": "no Ray cluster answers at",
        f"127.0.0.1:{mute}": "no Ray cluster answers at",
        f"127.0.0.1:{web}": "is no Ray cluster",
        "127.0.0.1:99999": "no Ray cluster answers at",
        "anywhere": "no address of a Ray cluster",
    }.items():
        with pytest.raises(ClusterError, match=told) as error, over_cluster(address):
            pass
        assert address in str(error.value)
        assert "\n" not in str(error.value)
    assert time.monotonic() - start < 10
