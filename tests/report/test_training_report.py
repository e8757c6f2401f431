"""What is shown of training records: medians over seeds, the table, the picture, and the page."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from examples import ENVIRONMENT, make_training
from shown import text

from bench.analysis.time_to_accuracy import settings
from bench.records import store, training_record
from bench.report import build, trainings
from bench.report.figures import accuracy_curves, panels, save


def trained(times, epochs, **options):
    """A record for each batch size and seed: times {engine: seconds an epoch} x epochs {batch: one for each seed}."""
    return [
        make_training(batch, seed, {name: (seconds, needed) for name, seconds in times.items()}, **options)
        for batch, of_seeds in epochs.items()
        for seed, needed in enumerate(of_seeds)
    ]


EPOCHS = {100: [10, 12, 11], 10: [3, 2, 4]}
TIMES = {"per_sample": 0.4, "fused": 0.05}


def rows_by(found):
    return {(row.batch, row.engine): row for part in settings(found) for row in part.itertuples()}


def folder_of(folder, found):
    for each in found:
        store.append(folder, each, training_record.FILE)
    return folder


def svg_text(path):
    return " ".join(element.text or "" for element in ET.parse(path).iter() if element.tag.endswith("text"))


def test_medians_and_ranges_over_the_seeds_the_factor_and_the_best_batch_size():
    rows = rows_by(trained(TIMES, EPOCHS))
    assert list(rows) == [(10, "per_sample"), (10, "fused"), (100, "per_sample"), (100, "fused")]
    row = rows[100, "fused"]
    assert (row.epochs, row.epochs_low, row.epochs_high, row.reached, row.seeds) == (11, 10, 12, 3, 3)
    assert (row.seconds, row.seconds_low, row.seconds_high) == pytest.approx((0.55, 0.5, 0.6))
    assert row.factor == pytest.approx(8.0)
    assert rows[100, "per_sample"].factor != rows[100, "per_sample"].factor  # NaN: it is the first
    assert {key for key, row in rows.items() if row.best} == {(10, "per_sample"), (10, "fused")}


def test_a_seed_that_does_not_reach_it_counts_as_longer_than_any():
    rows = rows_by(trained(TIMES, {10: [7, None, 3], 100: [5, None], 1000: [None, None]}))
    row = rows[10, "fused"]
    assert (row.reached, row.epochs, row.epochs_low, row.epochs_high) == (2, 7, 3, 7)
    for batch in (100, 1000):
        assert rows[batch, "fused"].seconds != rows[batch, "fused"].seconds  # half did not: no median
        assert not rows[batch, "fused"].best
    printed = text(trainings.describe(trained(TIMES, {10: [7, None, 3], 100: [5, None]})))
    assert re.search(r"fused +2 of 3 +7 \(3-7\) +350 ms \(150-350\) +8\.00x", printed)
    assert re.search(r"fused +1 of 2 +not within 100", printed)


@pytest.mark.parametrize(
    ("slow", "fast", "factor"),
    [
        ([4, 4, None, None], [2, 2, 2, 2], None),  # half of the baseline's never arrived
        ([4, 4, 4, 4], [2, 2, None, None], None),  # half of the engine's
        ([4, 4, 4, None], [2, 2, 2, 2], 2.0),  # one infinite factor moves the median up by one, among equals
        ([4, 6, 8, None, 8], [2, 2, 2, 2, 2], 4.0),
        ([4, 6, 8, 4, 8], [2, 2, 2, None, 2], 3.0),  # and a factor of 0 down
        ([4, None, None], [2, 2, None], None),
        ([4, 4, None], [2, 2, None], 2.0),  # neither arrived: whatever it would be, 2 is in the middle
        ([4, 8, None], [2, 2, None], None),  # whatever it would be decides
        ([None], [2], None),
        ([4], [None], None),
        ([None, None], [None, None], None),
    ],
)
def test_who_did_not_arrive_is_infinite_in_the_factor_as_in_the_seconds(slow, fast, factor):
    found = [
        make_training(10, seed, {"per_sample": (1.0, one), "fused": (1.0, other)})
        for seed, (one, other) in enumerate(zip(slow, fast, strict=True))
    ]
    rows = rows_by(found)
    told = rows[10, "fused"].factor
    assert told == pytest.approx(factor) if factor else told != told
    line = next(line for line in text(trainings.describe(found)).splitlines() if re.match(" +fused +\\d of", line))
    assert line.split()[-1] == f"{factor:.2f}x" if factor else line.endswith("not told")
    best = trainings.best(*settings(found))["fused"]
    known = all(rows[10, name].seconds == rows[10, name].seconds for name in ("per_sample", "fused"))
    assert ("as fast as per_sample's best" in best) == known


def test_where_nothing_is_reached_it_says_so():
    found = trained(TIMES, {10: [None, None]}, limit=30)
    printed = text(trainings.describe(found), 120)
    assert "fused: not within 30 epochs at any of these batch sizes" in printed
    assert trainings.finding(*settings(found)) == "No engine reaches 0.9 within 30 epochs"


def test_of_a_seed_trained_again_the_last_counts_and_rates_and_limits_are_not_mixed():
    first = trained(TIMES, {10: [30, 30, 30]})
    again = trained(TIMES, {10: [2]})
    assert rows_by(first + again)[10, "fused"].epochs_low == 2
    assert rows_by(first + again)[10, "fused"].seeds == 3
    for other in ({"eta": 1.0}, {"limit": 50}):
        row = rows_by(first + trained(TIMES, {10: [2]}, **other))[10, "fused"]
        assert (row.seeds, row.epochs) == (1, 2)


def test_a_factor_is_between_engines_trained_side_by_side_only():
    apart = trained({"per_sample": 0.4}, {10: [3]}) + trained({"fused": 0.1}, {10: [3]})
    assert rows_by(apart)[10, "fused"].factor != rows_by(apart)[10, "fused"].factor
    slower_day = trained({"per_sample": 0.8, "fused": 0.1}, {10: [3]})
    assert rows_by([*apart, *slower_day])[10, "fused"].factor == pytest.approx(8.0)


def test_each_engine_at_its_best():
    found = [
        make_training(1, 0, {"per_sample": (1.0, 2), "fused": (1.0, 2)}),
        make_training(10, 0, {"per_sample": (1.0, 4), "fused": (0.1, 4)}),
    ]
    (rows,) = settings(found)
    assert trainings.best(rows) == {
        "per_sample": "per_sample is fastest at batch 1: 2.00 s",
        "fused": "fused is fastest at batch 10: 400 ms, 5.00x as fast as per_sample's best",
    }
    assert trainings.finding(rows).endswith("each engine at its best batch size: fused 5.00x as fast as per_sample")
    assert trainings.finding(*settings(trained(TIMES, EPOCHS))) == (
        "Test accuracy 0.9 comes fastest at batch 10: fused 8.00x as fast as per_sample"
    )


OTHER = msgspec.structs.replace(ENVIRONMENT, cpu="Other CPU")


@pytest.mark.parametrize("other", [{"target": 0.8}, {"dtype": "float32"}, {"threads": 2}], ids=str)
def test_what_differs_is_never_mixed(other):
    found = trained(TIMES, EPOCHS) + trained(TIMES, {10: [50, 50, 50]}, **other)
    assert sorted({epochs for part in settings(found) for epochs in part["epochs"]}) == [3, 11, 50]
    assert text(trainings.describe(found)).count("batch eta") == 2
    assert len(list(accuracy_curves.panels(found, "accuracy"))) == 4


@pytest.mark.usefixtures("without_png")
def test_each_machine_has_a_table_and_a_picture_of_its_own(tmp_path):
    found = trained(TIMES, EPOCHS) + trained(TIMES, {10: [50, 50, 50]}, environment=OTHER)
    printed = text(build.build(folder_of(tmp_path, found)))
    assert printed.count("batch eta") == printed.count("Test CPU") + printed.count("Other CPU") == 2
    words = [svg_text(tmp_path / f"accuracy-by-seconds{part}.svg") for part in ("", "-2")]
    assert sum("Test CPU" in each for each in words) == sum("Other CPU" in each for each in words) == 1


def test_the_table_fits_80_columns_and_prints_brackets_as_they_are():
    times = {"per_sample": 0.31, "[b]x.py": 0.029, "torch_compiled": 0.3}
    printed = text(trainings.describe(trained(times, {1: [2, 3, 5], 1000: [97, 123, 101]}, limit=200)))
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert printed.count("[b]x.py ") == 3  # two lines of the table, and its best batch size
    assert re.search(r" 1000 +3 per_sample +3 of 3 +101 \(97-123\) +31\.3 s \(30\.1-38\.1\)", printed)


def test_a_folder_of_training_records_only_is_reported(tmp_path):
    folder_of(tmp_path, trained(TIMES, EPOCHS))
    printed = text(build.build(tmp_path))
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    pictures = {"accuracy-by-seconds.png", "accuracy-by-seconds.svg"}
    assert set(made) == {"training.jsonl", "report.md", "report.html", *pictures}
    assert "Test CPU, 2 cores" in printed
    assert "report.md, training.jsonl, 2 pictures" in " ".join(printed.split())
    page = made["report.md"].decode()
    assert "## Time to accuracy" in page
    assert "![Test accuracy against seconds of training](accuracy-by-seconds.png)" in page
    assert "| 100 | 3 | per_sample | 3 of 3 | 11 (10-12) | 4.40 s (4.00-4.80) |  |" in page
    assert "- fused is fastest at batch 10: 150 ms, 8.00x as fast as per_sample's best" in page
    assert text(build.build(tmp_path)) == printed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == made


@pytest.mark.usefixtures("undrawn")
def test_training_is_reported_beside_races_and_a_cut_off_line_is_warned_of(tmp_path, record):
    folder_of(tmp_path, trained(TIMES, EPOCHS))
    store.append(tmp_path, record())
    with (tmp_path / training_record.FILE).open("ab") as file:
        file.write(b'{"schema": 1, "cel')
    printed = text(build.build(tmp_path))
    assert "full_matrix" in printed
    assert "fused is fastest at batch 10" in printed
    assert "line 7, was cut off" in " ".join(printed.split())
    page = (tmp_path / "report.md").read_text()
    assert page.index("## Time to accuracy") < page.index("<summary>Every cell</summary>")


@pytest.mark.usefixtures("without_png")
def test_the_picture_says_what_was_found(tmp_path):
    found = trained(TIMES, {**EPOCHS, 1000: [None, None, 40]}, limit=60)
    save.save(accuracy_curves.draw(found), tmp_path, [])
    words = svg_text(tmp_path / "accuracy-by-seconds.svg")
    for label in (
        "Test accuracy 0.9 comes fastest at batch 10: fused 8.00x as fast as per_sample",
        "per_sample is fastest at batch 10: 1.20 s",
        "batch 10: 150 ms, 3 epochs",
        "batch 100: 550 ms, 11 epochs",
        "batch 1000: not within 60 epochs",
        "target 0.9",
        "median of 3 seeds",
        "Test CPU, 2 cores",
    ):
        assert label in " ".join(words.split())


def test_a_curve_ends_at_the_median_seconds_and_a_seed_that_is_done_stays_where_it_is():
    drawn = accuracy_curves.panels(trained(TIMES, {10: [3, 2, 4]}), "accuracy")
    small = {panel.finding.split()[0]: panel for panel in drawn}
    assert list(small) == ["per_sample", "fused"]
    panel = small["fused"]
    assert panel.setting == "time to a test accuracy of 0.9 on mnist5k, 784-30-10, float64, BLAS threads: 1"
    (axes,) = panels.small(panel).axes
    curve = next(line for line in axes.get_lines() if len(line.get_xdata()) == 3)
    assert list(curve.get_xdata()) == pytest.approx([0.05, 0.10, 0.15])
    assert list(curve.get_ydata()) == [0.5, 0.5, 0.9]
    assert axes.get_title() == ""


def test_what_a_network_unlearns_after_its_engine_got_there_does_not_count():
    found = trained({"fused": 0.05}, {10: [2, 3, 4]})
    engine = found[0].engines[0]
    went_on = msgspec.structs.replace(engine, seconds=[0.05] * 4, scores=[0.5, 0.9, 0.1, 0.1])
    found[0] = msgspec.structs.replace(found[0], engines=[went_on])
    (panel,) = accuracy_curves.panels(found, "accuracy")
    curve = next(line for line in panels.small(panel).axes[0].get_lines() if len(line.get_xdata()) == 3)
    assert list(curve.get_ydata()) == [0.5, 0.5, 0.9]


def test_the_marker_stands_at_the_seconds_that_its_label_names_however_uneven_the_seeds():
    found = [make_training(10, seed, {"fused": each}) for seed, each in enumerate([(0.1, 2), (0.05, 6), (0.3, 4)])]
    (panel,) = accuracy_curves.panels(found, "accuracy")
    (axes,) = panels.small(panel).axes
    assert "batch 10: 300 ms" in [label.get_text() for label in axes.texts]
    assert [line.get_xdata()[-1] for line in axes.get_lines() if line.get_marker() == "o"] == pytest.approx([0.3])
