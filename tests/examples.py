"""Made-up records, trainings and findings, as a race, a training or the gate would have written them."""

from itertools import product

import msgspec
import numpy as np

from bench.analysis.intervals import Estimate
from bench.cells.cell import Cell
from bench.gate.findings import Finding, GateRecord
from bench.records.environment import Environment, Pool
from bench.records.record import SCHEMA, Noise, Part, Peak, Record, Result
from bench.records.training_record import EngineTraining, Training

ENVIRONMENT = Environment(
    cpu="Test CPU",
    cores=2,
    governor=None,
    os="Linux",
    python="CPython 3.11.0",
    packages={"numpy": "2.0.0"},
    revision="0" * 40,
    dirty=False,
    allocator="pinned",
    blas=[Pool("openblas", "0.3", "SkylakeX", 1, "numpy.libs")],
)


PEAK = Peak(5e10, 2e10, 1 << 26, 8e10, 2.5e9)


def make_record(batch=10, speedup=4.0, width="30", noise=0.01, failed=None, slow=None, **cell):
    """A record of per_sample and full_matrix, `speedup` apart, with a little made-up spread between passes."""
    rng = np.random.default_rng(batch)
    sizes = (784, *(int(n) for n in width.split("-") if n), 10)

    def slices(seconds):
        return [[float(f"{seconds * np.exp(noise * rng.normal()):.6g}") for _ in range(4)] for _ in range(8)]

    fast = 1e-5 * batch
    contestants = [
        Result("per_sample", slices(fast * speedup), 3, 1e-16, 1000 * batch),
        Result("full_matrix", slices(fast), 7, 2e-16, 2000 * batch, after="per_sample"),
    ]
    if failed:
        contestants.append(Result("wrong", left_out=failed, failed=True))
    if slow:
        contestants[0] = Result("per_sample", left_out=slow)
    twin = Noise("full_matrix", slices(fast))
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, Cell(sizes, batch, **cell), contestants, twin, ENVIRONMENT, started, 4.0, apart=True)


def make_timed_record(cell, seconds, **environment):
    """A record of engines that take these seconds, the same in every slice."""
    contestants = [Result(name, [[taken] * 2] * 5, 3, 1e-16, 1000) for name, taken in seconds.items()]
    environment = msgspec.structs.replace(ENVIRONMENT, **environment)
    twin = Noise(contestants[-1].name, contestants[-1].seconds)
    return Record(SCHEMA, cell, contestants, twin, environment, "2026-01-02T03:04:05+00:00", 4.0, apart=True)


def under(peak, *records):
    """The records, as of a machine that does so much at the most."""
    return [msgspec.structs.replace(record, peak=peak) for record in records]


def make_training(batch, seed, engines, limit=100, eta=3.0, target=0.9, environment=ENVIRONMENT, **cell):
    """A training record of engines {name: (seconds of an epoch, epochs to the target or None)}, to the last of them."""
    last = max(epochs or limit for _, epochs in engines.values())
    trained = []
    for name, (seconds, epochs) in engines.items():
        accuracy = [target if epochs and n >= epochs else 0.5 for n in range(1, last + 1)]
        trained.append(EngineTraining(name, [seconds] * last, accuracy, epochs))
    cell = Cell((784, 30, 10), batch, data="mnist5k", **cell)
    return Training(1, cell, eta, seed, target, limit, trained, environment, "2026-01-02T03:04:05+00:00", 4.0)


LADDER = {  # microseconds for each sample of a batch, and the engine that it changes
    "per_sample": (40.0, None),
    "full_matrix": (10.0, "per_sample"),
    "in_place": (8.0, "full_matrix"),
    "fused": (4.0, "in_place"),
    "torch_eager": (40.0, None),
    "jax_jit": (12.0, None),
}
PEERS = ("torch_eager", "jax_jit")


def make_ladder_record(batch=10, width="30", floor=2.5, noise=0.001, engines=LADDER, **cell):
    """A record of the ladder, two peers and the floor (microseconds for each sample)."""
    rng = np.random.default_rng(batch)

    def slices(micros):
        return [[1e-6 * batch * micros * float(np.exp(noise * rng.normal())) for _ in range(4)] for _ in range(8)]

    contestants = [
        Result(
            name,
            slices(micros),
            3,
            1e-16,
            None if name in PEERS else 1000 * batch,
            after=after,
            first_step_seconds=1.5,
        )
        for name, (micros, after) in engines.items()
    ]
    sizes = (784, *(int(n) for n in width.split("-")), 10)
    twin = Noise(contestants[-1].name, contestants[-1].seconds)
    ground = Result("floor", slices(floor), 9) if floor else None
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, Cell(sizes, batch, **cell), contestants, twin, ENVIRONMENT, started, 4.0, ground, apart=True)


def make_finding(engine="full_matrix", verdict="unchanged", slowdown=1.0, half=1.01, batch=10, why=None, slower=False):
    slices = {arm: [[1e-4, 1.1e-4]] for arm in ("change", "base", "twin")}
    estimate = Estimate(slowdown, slowdown / half, slowdown * half)
    noise = Estimate(1.001, 0.99, 1.012)
    return Finding(engine, Cell((784, 30, 10), batch), verdict, estimate, noise, 0.03, why, slower, 2, slices)


def make_gate_record(*findings, standings=()):
    """What a run of the gate would have found."""
    started = "2026-01-02T03:04:05+00:00"
    return GateRecord(
        2, "main", "c" * 40, 0.02, 180.0, 0.01, list(findings), list(standings), ENVIRONMENT, started, 61.2
    )


GRID = [Cell((784, width, 10), batch) for width, batch in product((10, 30, 100), (1, 10, 100, 300))]
# Seconds for each layer, layer and sample, flop and byte: of an engine that loops, and of one that multiplies matrices.
LOOP = (5e-6, 8e-6, 2e-10, 1e-11)
MATRIX = (2e-5, 0.0, 2.5e-11, 4e-11)


def exact(price, cell):
    """Seconds of a step by these prices."""
    return sum(split(price, cell))


def split(price, cell):
    """Calls, products and passes by these prices: parameters and activations are read and written once."""
    layer, sample, flop, byte = price
    layers, units = len(cell.sizes) - 1, cell.batch * sum(cell.sizes[1:])
    moved = 2 * np.dtype(cell.dtype).itemsize * (cell.parameters + units)
    return layers * (layer + sample * cell.batch), flop * cell.flops, byte * moved


def make_measured_record(cell, prices, noise=0.0, **environment):
    """A record of engines that take what these prices say, with the floor and the parts that explain them raced, too.

    Whoever pays for each sample has the floor's products of a batch of one; all pay alike for a flop.
    """
    rng = np.random.default_rng(cell.batch)
    bare = msgspec.structs.replace(cell, sizes=(1,) * len(cell.sizes))
    alone = msgspec.structs.replace(cell, batch=1)

    def result(name, whole, elsewhere):
        parts = [Part(other, [[taken] * 2] * 3) for other, taken in elsewhere.items() if other != cell]
        return Result(name, [[whole] * 2] * 5, 3, 1e-16, 1000, parts=parts)

    contestants = []
    for name, price in prices.items():
        bare_alone = msgspec.structs.replace(bare, batch=1)
        calls = {other: split(price, other)[0] for other in (bare, bare_alone)}
        contestants.append(result(name, exact(price, cell) * float(np.exp(noise * rng.normal())), calls))
    flop = next(iter(prices.values()))[2]
    floor = {other: flop * other.flops if other.sizes == cell.sizes else 0.0 for other in (bare, alone)}
    floor[msgspec.structs.replace(bare, batch=1)] = 0.0
    ground = result("floor", flop * cell.flops, floor)
    environment = msgspec.structs.replace(ENVIRONMENT, **environment)
    twin = Noise(contestants[-1].name, contestants[-1].seconds)
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, cell, contestants, twin, environment, started, 4.0, ground, apart=True)
