"""What the cost model of a folder's records says of any sizes and batch: nothing is raced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backprop import InputError

from ..analysis import cost_model, speedups
from ..analysis.cost_model import FEWEST, Model
from ..analysis.question import BASELINE, CHALLENGER
from ..cells.cell import Cell, Setting
from ..records import store
from . import answer, numbers
from .document import Table
from .parts import COLUMNS


def predict(folder: Path, cell: Cell, baseline: str | None = None) -> Iterator[str | Table]:
    """A table for each machine, of the engines that have a model for the cell's setting: dtype, threads, functions.

    baseline is the engine that speedups are relative to: by default the records' own.
    Raises InputError where the folder's records are too few for a model, or none is of this setting.
    """
    found = speedups.relative_to(baseline, store.load(folder)[0], folder)
    baseline = next((record.baseline for record in found if record.baseline), None)
    models = cost_model.models(found)
    if not models:
        cells, batches, sizes = FEWEST
        raise InputError(
            f"the records of {folder} are too few for a cost model: it takes an engine timed in {cells} cells, with "
            f"{batches} batch sizes and {sizes} layer sizes among them"
        )
    fitting = [model for model in models if model.is_of(cell.setting_on(model.place.machine))]
    if not fitting:
        settings = (timed.setting_on() for model in models for timed in model.cells)
        known = "; ".join(dict.fromkeys(map(_named, settings)))
        raise InputError(f"{folder} has no timings for a model of {_named(cell.setting_on())}; it has: {known}")
    yield f"{cell.id}: predicted from {folder}, not raced"
    for machine in dict.fromkeys(model.place.machine for model in fitting):
        own = [model for model in fitting if model.place.machine == machine]
        yield machine
        yield ""
        slow = _baseline(own, baseline)
        yield _table(own, slow, cell)
        yield ""
        yield from _notes(own, slow, cell)


def _named(setting: Setting) -> str:
    return ", ".join([f"{setting.dtype} with threads {setting.threads}", *setting.functions])


def _table(models: list[Model], slow: Model, cell: Cell) -> Table:
    steps = [(model, model.seconds(cell)) for model in models]
    lines = [
        [
            model.engine,
            numbers.seconds(seconds),
            numbers.factor(slow.seconds(cell) / seconds) if model is not slow else "",
            *(f"{getattr(model.shares(cell), part) / seconds:.0%}" for part in COLUMNS),
            f"{model.median_error:.0%}",
            f"{abs(model.worst.error):.0%}",
        ]
        for model, seconds in steps
    ]
    headings = ["engine", "a step", "speedup", *COLUMNS, "off by", "worst so far"]
    return Table(headings, lines, folds=(0,))


def _notes(models: list[Model], slow: Model, cell: Cell) -> Iterator[str]:
    for model in models:
        if model.engine == CHALLENGER and model is not slow:
            yield f"{answer.pays_from(slow, model, cell)}."
    yield (
        "All of this is fitted, nothing measured. off by: the median error on cells that were timed and that the fit "
        "had not seen; worst so far: the largest among them, and another cell may be further off."
        f"{answer.at_pace(models)}"
    )
    if any(model.is_beyond(cell) for model in models):
        yield "warning: this cell lies beyond the batch sizes, parameters or depths that were timed"


def _baseline(models: list[Model], asked: str | None) -> Model:
    """The model of the engine asked for, or of per_sample, or the first; InputError where there is none as asked."""
    if asked is not None and asked not in [model.engine for model in models]:
        known = ", ".join(model.engine for model in models)
        raise InputError(f"there is no model of the baseline {asked!r} for this setting: there are those of {known}")
    wanted = BASELINE if asked is None else asked
    return next((model for model in models if model.engine == wanted), models[0])
