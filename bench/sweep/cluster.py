"""A crew of Dask workers: the cells of a sweep on other machines, one at a time on each that offers a race.

A worker offers with `--resources race=1`, and has to have the same Python, packages and code as this process: that is
asked when the sweep begins, and again by each job, as workers may join later. Jobs and records travel as JSON.
"""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING

import msgspec

from backprop import InputError
from backprop.packages import needed_by

from ..cells import processors
from ..cells.cell import Cell
from ..cells.processors import cores, most_threads
from ..records import record, store
from ..records.environment import Environment
from ..records.record import Record
from ..timing import machine
from ..timing.machine import Software
from ..timing.one_pass import RaceJob
from ..timing.race import race, without_timings
from .run import AtWork, Crew

if TYPE_CHECKING:
    from distributed import Client, Future

RESOURCE = "race"
START = f"dask worker ADDRESS --nworkers 1 --nthreads 1 --resources {RESOURCE}=1"
CONNECT_SECONDS = 6.0
LOOK_AROUND_SECONDS = 5.0  # while cells are raced: for workers that joined, or are all gone


class UnfitError(RuntimeError):
    """A worker can't race the job: the message says why."""


class Worker(msgspec.Struct, frozen=True):
    """What a worker tells of itself."""

    software: Software
    cores: int
    environment: Environment


class Cluster(Crew):
    """The workers of a scheduler that offer a race."""

    machine = None

    def __init__(self, client: Client, software: Software) -> None:
        self.client = client
        self.address = client.scheduler.address
        self.software = software
        self.workers: dict[str, Worker] = {}

    @property
    def hands(self) -> int:
        return len(self.offering())

    def offering(self) -> list[str]:
        """The addresses of the workers that offer a race now."""
        workers = self.client.scheduler_info(n_workers=-1).get("workers", {})
        return [address for address, about in workers.items() if about["resources"].get(RESOURCE)]

    def check(self, cells: Sequence[Cell]) -> None:
        """Refuse, by name, a worker that can't race these cells as this process would."""
        offering = self.offering()
        if not offering:
            raise InputError(f"no worker of the cluster offers a race: start one on each machine with {START}")
        told = self.client.run(describe, workers=offering, on_error="return")
        for address, answer in told.items():
            if isinstance(answer, BaseException):
                raise InputError(
                    f"worker {address} can't run backprop-bench: {type(answer).__name__}: {answer}; install the "
                    f"version there that is here, {self.software.packages.get('backprop-bench')}"
                )
            worker = self.workers[address] = msgspec.json.decode(answer, type=Worker)
            for cell in cells:
                if why := unfit(self.software, worker.software, cell, worker.cores, worker.environment.quota):
                    raise InputError(f"worker {address} {why}")

    def crowded(self) -> Iterator[str]:
        """A warning for each machine of several workers, whose cells would disturb each other."""
        hosts: dict[str | None, list[str]] = {}
        for address, worker in self.workers.items():
            hosts.setdefault(worker.environment.host, []).append(address)
        for addresses in hosts.values():
            if len(addresses) > 1:
                yield f"workers {', '.join(addresses)} are on one machine: their cells disturb each other's timings"

    def race(self, jobs: Sequence[RaceJob], at_work: AtWork) -> Iterator[Record]:
        """Each job's record as soon as it is done; a job whose worker dies is run again by the scheduler.

        No more jobs are with the scheduler than workers offer a race: so one that joins gets the next, and one that
        leaves takes none along. Raises InputError where the scheduler is gone, or a worker joined that is unfit.
        """
        from distributed import wait

        waiting = deque(jobs)
        flying: dict[Future, RaceJob] = {}
        landed: list[tuple[Future, RaceJob]] = []
        told: list[Cell] | None = None
        while waiting or flying or landed:
            connected = self.client.status == "running"
            hands = self.hands if connected else 0
            while waiting and len(flying) < hands:  # before the records are written: no worker waits for the disk
                job = waiting.popleft()
                sent = msgspec.json.encode(job), msgspec.json.encode(self.software)
                future = self.client.submit(race_here, *sent, pure=False, resources={RESOURCE: 1})
                flying[future] = job
            for future, job in sorted(landed, key=lambda pair: pair[0].status != "finished"):  # records before errors
                yield self._record(future, job)
            if not connected:
                raise self._gone()
            cells = [job.cell for job in flying.values()] if hands else []
            if cells != told and (waiting or flying):
                told = cells
                at_work(cells)
            if flying:
                with suppress(TimeoutError, CancelledError):
                    wait(list(flying), timeout=LOOK_AROUND_SECONDS, return_when="FIRST_COMPLETED")
            elif waiting:
                sleep(LOOK_AROUND_SECONDS)
            landed = [(future, flying.pop(future)) for future in list(flying) if future.status != "pending"]

    def _record(self, future: Future, job: RaceJob) -> Record:
        from distributed import KilledWorker

        if future.status == "finished":
            return store.parse(future.result(), Record, record.SCHEMA, "what a worker sent")
        if future.status != "error":
            raise self._gone()
        error = future.exception()
        if isinstance(error, KilledWorker):
            return self._lost(job, error.last_worker.address)
        raise InputError(f"{error if isinstance(error, UnfitError) else repr(error)}; stop that worker, then --resume")

    def _gone(self) -> InputError:
        return InputError(f"the scheduler {self.address} is gone: start it again, then --resume")

    def _lost(self, job: RaceJob, address: str) -> Record:
        """A record without timings of a job that no worker lived to end."""
        reason = f"every worker that raced this cell died, the last at {address}"
        started = datetime.now(UTC).isoformat(timespec="seconds")
        host = address.rpartition(":")[0]  # where a nanny starts a worker anew, it is at another port
        known = [worker for at, worker in self.workers.items() if at.rpartition(":")[0] == host]
        environment = (known or list(self.workers.values()))[0].environment
        pinned = msgspec.structs.replace(environment, allocator="pinned" if job.pin else "default")  # as its races
        return without_timings(job, reason, pinned, started, 0.0)


@contextmanager
def joined(address: str, software: Software, cells: Sequence[Cell], warn: Callable[[str], None]) -> Iterator[Cluster]:
    """The crew of this scheduler, checked; InputError says what is missing or differs."""
    with needed_by("--dask", install="'backprop-bench[cluster]'"):
        from distributed import Client
    with _quiet():
        try:
            asyncio.run(asyncio.wait_for(_knock(address), CONNECT_SECONDS))
            client = Client(address, timeout=CONNECT_SECONDS)
        except Exception as error:  # what answers there may be anything but a scheduler
            raise InputError(
                f"no Dask scheduler can be reached at {address} within {CONNECT_SECONDS:.0f} s: start one with "
                "dask scheduler, and give the address that it prints, such as tcp://127.0.0.1:8786"
            ) from error
        with client:
            cluster = Cluster(client, software)
            cluster.check(cells)
            for warning in cluster.crowded():
                warn(warning)
            yield cluster


async def _knock(address: str) -> None:
    """See whether a scheduler answers: unlike this, a Client waits without end for a stranger who says nothing."""
    from distributed import Security
    from distributed.comm import connect

    comm = await connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
    await comm.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither logs nor warnings of Dask's: what a lost connection or a differing version means is told in a line."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def describe() -> bytes:
    """The worker that this is run on, as JSON."""
    return msgspec.json.encode(Worker(machine.software(), cores(), machine.environment()))


def race_here(job: bytes, software: bytes) -> bytes:
    """Race on the worker that this is run on; raises UnfitError where it is not as the sweep's software."""
    from distributed import get_worker

    decoded = msgspec.json.decode(job, type=RaceJob)
    asked = msgspec.json.decode(software, type=Software)
    if why := unfit(asked, machine.software(), decoded.cell, cores(), processors.cpus()):
        raise UnfitError(f"worker {get_worker().address} {why}")
    _undo_nanny()
    return store.dump(race(decoded))


def unfit(asked: Software, own: Software, cell: Cell, cores: int, given: float | None) -> str | None:
    """Why a worker with this software, these cores and this quota can't race the cell; None where it can."""
    for name, here, there in asked.differences(own):
        return f"has {name} {there}, and here it is {here}: every machine of a sweep needs the same"
    if cell.threads > cores:
        return f"has {cores} cores, too few for {cell.id}: name fewer threads"
    if given is not None and cell.threads > most_threads(cores, given):
        return f"has {processors.told(given)}, too little for {cell.id}: name fewer threads"
    return None


def _undo_nanny() -> None:
    """Take back what a worker's nanny sets for the worker: a race sets threads and the allocator itself."""
    import dask

    for name, value in dask.config.get("distributed.nanny.pre-spawn-environ", {}).items():
        if os.environ.get(name) == str(value):
            del os.environ[name]
