"""What a folder's records say, section by section, as data: the story first, then the details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from ..analysis.cost_model import Model
from ..records.record import Record
from ..records.training_record import Training
from . import details, story, trainings
from .document import Block, Code, Picture, Section, Text
from .figures import accuracy_curves
from .machines import described, letters
from .reproduce import commands

ACCURACY = (
    "Larger batches make epochs faster and learning slower. From each seed all engines start from the same network and "
    "see the same mini-batches, an epoch of each in turns, until the target is reached on the test part. Testing "
    "is not timed. The learning rate follows from the batch size, alike for all engines: in proportion below 10, the "
    "same from there."
)


def tell(
    found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model], trained: Sequence[Training], note: str
) -> Iterator[Section]:
    """The sections in order. note is the machine, the date and the noise floor."""
    if found:
        yield from story.of_races(found, rows, models, note)
    if trained:
        yield _of_trainings(trained)
    if found:
        yield from details.of_races(found, rows, models)
    yield Section("Machine and versions", list(_machines([*found, *trained])), folded=True)
    yield Section("How to reproduce", [Code(commands(found, trained))], folded=True)


def _of_trainings(trained: Sequence[Training]) -> Section:
    pictures = [
        Picture(stem, f"Test {measure} against seconds of training") for measure, stem in accuracy_curves.STEMS.items()
    ]
    return Section("Time to accuracy", [Text(ACCURACY), *pictures, *trainings.blocks(trained)])


def _machines(found: Sequence[Record | Training]) -> Iterator[Block]:
    """A table for each machine, of the last record that was made on it."""
    last = {record.environment.machine: record.environment for record in found}
    places = letters(last)
    for machine, about in last.items():
        if places[machine]:
            yield Text(f"Machine {places[machine]}", strong=True)
        yield described(about)
