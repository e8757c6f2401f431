"""How far off is the cost model on cells that no choice was made with?  One folder's model, another folder's timings.

    python tests/trials/holdout.py results/published/xeon results/published/xeon-holdout

Prints for each engine the median and the worst relative error of the first folder's model over the second's cells.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from bench.analysis import cost_model, intervals
from bench.records import record, store


def errors(model: cost_model.Model, found: list[record.Record]) -> dict[str, float]:
    """The relative error of each cell of the model's setting in which its engine was timed."""
    return {
        record.cell.id: model.seconds(record.cell) / taken.value - 1
        for record in found
        if model.setting == record.setting
        for result in record.contestants
        if result.name == model.engine and (taken := intervals.typical(result.seconds))
    }


if __name__ == "__main__":
    fitted, held_out = (store.load(Path(folder))[0] for folder in sys.argv[1:3])
    for model in cost_model.models(fitted):
        if off := errors(model, held_out):
            worst = max(off, key=lambda cell: abs(off[cell]))
            middle = median(map(abs, off.values()))
            print(f"{model.engine}: {len(off)} cells, median {middle:.1%}, worst {off[worst]:+.0%} in {worst}")
