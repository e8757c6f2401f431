"""Training until an accuracy is reached, by a scripted clock; and the records of it on disk."""

import gzip
import json

import pytest
from examples import make_training
from stand_ins import Clock, made, paced

from backprop import InputError, load
from bench.cells import datasets
from bench.cells.cell import Cell
from bench.records import store, training_record
from bench.records.training_record import FILE
from bench.timing import to_accuracy
from bench.timing.to_accuracy import Goal
from bench.timing.training import train

DIGITS = datasets.read("digits")
STEPS = 144  # 1,437 samples in tens


def cell(batch=10):
    return Cell((64, 10, 10), batch, data="digits")


def run(*contestants, clock, accuracy, limit=20, batches=(10,), seeds=(0,), eta=3.0, **options):
    cells = [cell(batch) for batch in batches]
    goal = Goal(accuracy, limit, eta)
    return list(to_accuracy.run(contestants, cells, DIGITS, goal=goal, seeds=seeds, clock=clock, **options))


@pytest.fixture(scope="module")
def accuracies():
    """What full_matrix has learnt from seed 0 after each of some epochs."""
    field = [made("a", load("full_matrix"))]
    return [epoch.scores["a"] for epoch in train(field, cell(), DIGITS, eta=3.0, epochs=6, seed=0)]


def test_seconds_and_epochs_until_the_accuracy_is_reached_are_exact_and_then_it_stops(accuracies):
    target = max(accuracies[:4])
    epochs = accuracies.index(target) + 1
    assert epochs > 1
    clock = Clock()
    (found,) = run(paced(clock, "slow", 5e-3), paced(clock, "fast", 1e-3), clock=clock, accuracy=target)
    for engine, seconds in zip(found.engines, (5e-3, 1e-3), strict=True):
        assert engine.reached == epochs
        assert engine.scores == accuracies[:epochs]
        assert engine.seconds == pytest.approx([STEPS * seconds] * epochs)
        assert engine.seconds_to_target == pytest.approx(STEPS * seconds * epochs)
    assert [engine.name for engine in found.engines] == ["slow", "fast"]
    assert (found.target, found.epoch_limit, found.seed, found.eta, found.cell) == (target, 20, 0, 3.0, cell())
    assert found.elapsed_seconds == clock.now


def test_each_engine_is_judged_by_its_own_network_and_all_go_on_until_the_last(accuracies):
    clock = Clock()

    class Late(load("full_matrix")):
        """Learns nothing in its first two epochs."""

        def __init__(self, network):
            super().__init__(network)
            self.steps = 0

        def step(self, x, y, eta):
            self.steps += eta == 3.0  # neither checks nor first steps have this rate
            if eta != 3.0 or self.steps > 2 * STEPS:
                super().step(x, y, eta)

    target = accuracies[0]
    (found,) = run(paced(clock, "late", 1e-3, Late), paced(clock, "first", 1e-3), clock=clock, accuracy=target)
    late, first = found.engines
    assert first.reached == 1
    assert late.reached >= 3
    assert len(first.seconds) == len(late.seconds) == late.reached
    assert first.seconds_to_target == pytest.approx(STEPS * 1e-3)


def test_an_accuracy_that_is_not_reached_ends_at_the_limit():
    clock = Clock()
    (found,) = run(paced(clock, "a", 1e-3), clock=clock, accuracy=1.0, limit=2)
    (engine,) = found.engines
    assert (engine.reached, engine.seconds_to_target, len(engine.scores)) == (None, None, 2)


def test_each_batch_size_of_each_seed_has_its_rate_by_the_rule_the_same_for_every_engine():
    clock, rates, heard = Clock(), {"a": [], "b": []}, []

    def listening(name):
        class Listening(load("full_matrix")):
            def step(self, x, y, eta):
                super().step(x, y, eta)
                rates[name].append((len(x), round(eta, 6)))

        return made(name, Listening)

    found = run(
        *map(listening, rates),
        clock=clock,
        accuracy=0.01,
        batches=(1, 5, 10, 100),
        seeds=(3, 4),
        progress=lambda cell, seed, epoch: heard.append((cell.batch, seed, epoch.number)),
    )
    expected = {1: 0.3, 5: 1.5, 10: 3.0, 100: 3.0}
    assert [(each.seed, each.cell.batch, each.eta) for each in found] == [
        (seed, batch, pytest.approx(eta)) for seed in (3, 4) for batch, eta in expected.items()
    ]
    for name in rates:
        assert {(batch, eta) for batch, eta in rates[name] if eta in (0.3, 1.5, 3.0)} >= set(expected.items())
    assert heard == [(batch, seed, 1) for seed in (3, 4) for batch in expected]


def test_seeds_differ_and_a_seed_repeats_itself():
    clock = Clock()
    one, again, other = (run(paced(clock, "a", 1), clock=clock, accuracy=1, limit=1, seeds=[s])[0] for s in (1, 1, 2))
    assert one.engines == again.engines
    assert one.engines[0].scores != other.engines[0].scores


@pytest.mark.parametrize("accuracy", [0.0, -1.0, 1.01, float("nan"), float("inf")])
def test_an_accuracy_that_is_no_share_is_refused_before_anything_runs(accuracy):
    with pytest.raises(InputError, match="above 0 and at most 1"):
        to_accuracy.run([], [cell()], DIGITS, goal=Goal(accuracy, 1, 3.0), seeds=[0])


def test_a_batch_size_beyond_the_data_is_refused_before_the_others_run():
    with pytest.raises(InputError, match="batch must be below 1437"):
        to_accuracy.run([], [cell(), cell(5000)], DIGITS, goal=Goal(0.5, 1, 3.0), seeds=[0])


PAIR = {"per_sample": (0.2, 3), "fused": (0.02, None)}


def test_what_is_written_is_read_back(tmp_path):
    written = [make_training(10, seed, PAIR) for seed in range(3)]
    for each in written:
        store.append(tmp_path, each, FILE)
    assert training_record.load(tmp_path) == (written, [])
    (tmp_path / f"{FILE}.gz").write_bytes(gzip.compress((tmp_path / FILE).read_bytes()))
    assert training_record.load(tmp_path) == (written * 2, [])
    line = json.loads((tmp_path / FILE).read_text().splitlines()[0])
    assert list(line["engines"][1]) == ["name", "seconds", "accuracy", "reached", "commit"]
    assert line["engines"][1]["reached"] is None
    assert {"schema", "cell", "eta", "seed", "target", "epoch_limit", "environment", "started"} <= set(line)


def test_a_folder_without_training_has_no_training_records(tmp_path):
    assert training_record.load(tmp_path) == ([], [])


def test_a_cut_off_last_line_is_named_when_read_and_removed_when_added_to(tmp_path):
    whole = store.dump(make_training(10, 0, PAIR))
    (tmp_path / FILE).write_bytes(whole + whole[:-40])
    found, (warning,) = training_record.load(tmp_path)
    assert len(found) == 1
    assert "line 2, was cut off" in warning
    warning, told = training_record.prepare(tmp_path)
    assert "was cut off while it was written: it is removed" in warning
    assert "new training records are added to the 1 in" in told
    assert (tmp_path / FILE).read_bytes() == whole


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"{", 1)])
def test_nothing_is_left_where_there_was_no_whole_line(tmp_path, content, lines):
    (tmp_path / FILE).write_bytes(content)
    assert len(list(training_record.prepare(tmp_path))) == lines
    assert (tmp_path / FILE).read_bytes() == b""


def test_a_record_that_lacks_only_its_newline_is_kept(tmp_path):
    whole = store.dump(make_training(10, 0, PAIR))
    (tmp_path / FILE).write_bytes(whole[:-1])
    list(training_record.prepare(tmp_path))
    assert (tmp_path / FILE).read_bytes() == whole


@pytest.mark.parametrize("line", [b'{"schema": 99}\n', b"garbage\n"])
def test_records_that_cannot_be_read_are_refused_and_left_alone(tmp_path, line):
    (tmp_path / FILE).write_bytes(line)
    for attempt in (training_record.load, lambda folder: list(training_record.prepare(folder))):
        with pytest.raises(InputError, match=r"training\.jsonl, line 1, (has schema 99|is not a record)"):
            attempt(tmp_path)
    assert (tmp_path / FILE).read_bytes() == line
