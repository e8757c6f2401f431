"""What is no cluster to race on: other versions, no package, no scheduler, no extra."""

import socket
import sys
from types import SimpleNamespace

import msgspec
import pytest
from sweeps import refused

from backprop import InputError
from bench.cells.cell import Cell
from bench.sweep import cluster
from bench.sweep.cluster import Cluster, Worker
from bench.timing import machine

pytest.importorskip("distributed", reason="needs the extra cluster")


class Told:
    """Stands in for a client whose one worker gives this answer."""

    scheduler = SimpleNamespace(address="tcp://here:0")

    def __init__(self, answer):
        self.answer = answer

    def scheduler_info(self, n_workers):
        return {"workers": {"tcp://here:1": {"resources": {"race": 1.0}}}}

    def run(self, function, workers, on_error):
        return {"tcp://here:1": self.answer}


def test_each_version_that_differs_is_named_with_both():
    software = machine.software()
    for change, words in [
        ({"python": "CPython 3.1.0"}, f"has Python CPython 3.1.0, and here it is {software.python}"),
        ({"packages": {**software.packages, "numpy": "1.0"}}, "has numpy 1.0, and here it is 2."),
        ({"packages": {**software.packages, "backprop-bench": "9"}}, "has backprop-bench 9, and here it is 0."),
        ({"code": "0" * 16}, f"of digest {'0' * 16}, and here it is of digest {software.code}"),
    ]:
        worker = Worker(msgspec.structs.replace(software, **change), 2, machine.environment())
        with pytest.raises(InputError, match=r"^worker tcp://here:1 has ") as error:
            Cluster(Told(msgspec.json.encode(worker)), software).check([Cell((4, 3, 2), 1)])
        assert words in str(error.value)


def test_a_worker_without_the_package_is_named():
    answer = ModuleNotFoundError("No module named 'bench'")
    with pytest.raises(InputError, match=r"worker tcp://here:1 can't run backprop-bench: .*No module named 'bench'"):
        Cluster(Told(answer), machine.software()).check([])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "", "tcp://no.such.host.invalid:8786"])
def test_a_scheduler_that_cannot_be_reached_is_told_in_a_line(sweep_on, tmp_path, monkeypatch, address):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    refused(sweep_on(address), f"no Dask scheduler can be reached at {address}".strip(), "dask scheduler")
    assert not (tmp_path / "out").exists()


def test_a_stranger_who_says_nothing_is_no_scheduler(sweep_on, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        refused(sweep_on(address), f"no Dask scheduler can be reached at {address}")


def test_without_the_extra_it_says_what_to_install(sweep_on, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused(sweep_on("tcp://127.0.0.1:1"), "pip install 'backprop-bench[cluster]'")
