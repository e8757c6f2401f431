"""Claims and records made up for the tests: of engines that take so long for a sample, alike in every slice."""

import msgspec
import numpy as np
from examples import ENVIRONMENT

from bench.claims.claim import Claim, PartialCell, Side
from bench.records.record import SCHEMA, Record, Result

SLOW, FAST = Side(engine="per_sample"), Side(engine="full_matrix")
MINE = Claim(
    "mine",
    "Mine",
    "somebody",
    "https://example.org/mine",
    "5x",
    "speedup",
    "a loop against a matrix",
    "none",
    SLOW,
    FAST,
    PartialCell(sizes="784-30-10", batch=10),
    5.0,
)


def claim(**changes):
    return msgspec.structs.replace(MINE, **changes)


def record_of(comparison, factor, spread=0.0):
    """A record in which the slow one takes so many times as long for a sample, give or take the spread of passes."""
    rng = np.random.default_rng(0)
    slow, fast = comparison.slow, comparison.fast

    def result(one, seconds, name):
        each = [[float(seconds * np.exp(spread * rng.normal()))] * 3 for _ in range(8)]
        return Result(name, each, 3, cell=None if one.cell == slow.cell else one.cell)

    again = f"{fast.engine}#2" if fast.engine == slow.engine else fast.engine
    results = [result(slow, 1e-5 * factor * slow.cell.batch, slow.engine), result(fast, 1e-5 * fast.cell.batch, again)]
    return _record(slow.cell, results)


def records_of(claim, *factors, **more):
    return [record_of(one, factor, **more) for one, factor in zip(claim.comparisons(), factors, strict=True)]


def made_up(factor):
    """In the place of a race: of two contestants the first takes so many times as long for a sample, or has failed."""

    def race(job):
        cells = job.cells or [job.cell] * len(job.entries)
        last = len(job.entries) - 1
        results = [
            Result(
                one.name,
                [[1e-5 * cell.batch * (factor if number < last else 1.0)] * 3] * 8 if factor else [],
                3,
                cell=None if cell == job.cell else cell,
                left_out=None if factor else "it raised",
                failed=not factor,
            )
            for number, (one, cell) in enumerate(zip(job.entries, cells, strict=True))
        ]
        return _record(job.cell, results)

    return race


def _record(cell, results):
    here, elsewhere = ([one for one in results if bool(one.cell) == apart] for apart in (False, True))
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, cell, here, None, ENVIRONMENT, started, 4.0, apart=True, elsewhere=elsewhere)
