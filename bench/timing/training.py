"""Training runs, timed: epochs by several engines from one start, over the same mini-batches, side by side."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import ParamSpec, TypeVar

import numpy as np

from backprop import Engine, EngineError, GradientError, InputError, Network
from backprop.check import hidden, verify
from backprop.errors import brief
from backprop.training import accuracy, epoch

from ..cells.cell import Cell, format_sizes
from ..cells.datasets import Dataset
from ..cells.entry import Entry
from ..cells.isolation import filters_kept, is_interrupt, kept
from .slices import Clock
from .tracing import Paused

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")


@dataclass(frozen=True)
class Epoch:
    """One epoch of every engine, by name: how long it took, and the accuracy on the test part after it."""

    number: int
    seconds: dict[str, float]
    accuracy: dict[str, float]


@dataclass(frozen=True)
class Pupil:
    """A contestant while it is trained, in a context of its own: numpy's error state is changed for no other."""

    contestant: Entry
    context: Context = field(default_factory=copy_context)

    def __post_init__(self) -> None:
        self.context.run(np.seterr, over="ignore")  # in exp, of a saturated sigmoid: its result is right

    def fresh(self, network: Network) -> Engine:
        """A fresh engine; what making it has changed in this process is put back."""
        with kept():
            return self.contestant.make(network)

    def does(self, act: Callable[P, ReturnT], *args: P.args, **kwargs: P.kwargs) -> ReturnT:
        """What an act of the engine gives; EngineError, with the engine's name, where it raises."""
        try:
            with filters_kept():
                return self.context.run(act, *args, **kwargs)
        except BaseException as error:  # a user's engine may raise anything
            if is_interrupt(error):
                raise
            if isinstance(error, GradientError):
                raise GradientError(f"engine {self.contestant.name}: {error}") from error
            raise EngineError(f"engine {self.contestant.name}: {brief(error)}") from error


def train(
    contestants: Sequence[Entry],
    cell: Cell,
    dataset: Dataset,
    *,
    eta: float,
    epochs: int,
    seed: int,
    clock: Clock = perf_counter,
) -> Iterator[Epoch]:
    """Train the cell's network with each engine, yielding after each epoch; epochs take turns in random order.

    With the same seed every engine starts from the same network and sees the same mini-batches in the same
    order. First steps, with what they compile or try, are taken before. Raises InputError as `check` does, and
    EngineError where an engine fails its gradient check, which comes first, or raises.
    """
    check(cell, dataset, eta)
    network = cell.network(np.random.default_rng(seed))
    pupils = {contestant.name: Pupil(contestant) for contestant in contestants}
    engines: dict[str, Engine] = {}
    for name, pupil in pupils.items():
        pupil.does(verify, pupil.fresh, network, dataset.x_train, dataset.y_train, cell.batch)
        engines[name] = pupil.does(pupil.fresh, network)
        pupil.does(_take_first_steps, engines[name], cell, dataset)

    _grow_the_heap(dataset)
    turns = np.random.default_rng(seed)
    shuffles = {name: np.random.default_rng([seed, 1]) for name in engines}
    for number in range(1, epochs + 1):
        seconds = {}
        for name in turns.permutation(list(engines)):
            seconds[name] = pupils[name].does(_timed_epoch, engines[name], cell, dataset, eta, shuffles[name], clock)
        learned = {name: pupil.does(engines[name].network) for name, pupil in pupils.items()}
        scores = {name: accuracy(network, dataset.x_test, dataset.y_test) for name, network in learned.items()}
        yield Epoch(number, {name: seconds[name] for name in engines}, scores)


def hidden_at(cell: Cell, dataset: Dataset, seed: int) -> list[str]:
    """The blocks whose gradient the check can't see on the cell's network of this seed, as of `backprop.check`."""
    network = cell.network(np.random.default_rng(seed))
    return hidden(network, dataset.x_train[: cell.batch], dataset.y_train[: cell.batch])


def check(cell: Cell, dataset: Dataset, eta: float) -> None:
    """Raises InputError where the network or the batch size does not fit the data, or eta is no learning rate."""
    if (dataset.n_in, dataset.n_out) != (cell.sizes[0], cell.sizes[-1]):
        raise InputError(
            f"sizes {format_sizes(cell.sizes)} do not fit {dataset.name}: they must begin with "
            f"{dataset.n_in} and end with {dataset.n_out}"
        )
    if cell.batch >= len(dataset.x_train):
        raise InputError(f"batch must be below {len(dataset.x_train)}, the training samples of {dataset.name}")
    if not (isfinite(eta) and eta > 0):
        raise InputError(f"eta must be a positive number, not {eta:g}")


def _take_first_steps(engine: Engine, cell: Cell, dataset: Dataset) -> None:
    """A step of each batch length that an epoch has; with eta = 0 it leaves the network as it is."""
    samples = len(dataset.x_train)
    for batch in {cell.batch, samples % cell.batch or cell.batch}:
        engine.step(dataset.x_train[:batch], dataset.y_train[:batch], 0.0)


def _grow_the_heap(dataset: Dataset) -> None:
    """Make the shuffled copies of an epoch once: the first engine in a process would pay for their pages."""
    order = np.arange(len(dataset.x_train))
    _ = dataset.x_train[order], dataset.y_train[order]


def _timed_epoch(
    engine: Engine, cell: Cell, dataset: Dataset, eta: float, rng: np.random.Generator, clock: Clock
) -> float:
    with Paused():
        gc.disable()
        try:
            start = clock()
            epoch(engine, dataset.x_train, dataset.y_train, cell.batch, eta, rng)
            return clock() - start
        finally:
            gc.enable()
