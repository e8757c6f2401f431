"""Whatever a speedup is relative to by name, it is everywhere: in lines, pages, pictures, the CSV and predictions."""

import msgspec
import pandas as pd
import pytest
from examples import LADDER, make_ladder_record

from backprop import InputError
from bench.analysis import rows, speedups
from bench.analysis.question import BASELINE, CHALLENGER, CLAIMS
from bench.records import store
from bench.report import build
from bench.report.side_by_side import compare

TITLE = "How much faster is backprop over a whole mini-batch?"


def grid(engines=LADDER):
    chosen = {name: LADDER[name] for name in engines}
    return [
        make_ladder_record(batch, width, engines=chosen) for width in ("10", "30", "100") for batch in (1, 10, 30, 100)
    ]


@pytest.fixture
def written(tmp_path):
    def write(records, name="races"):
        (tmp_path / name).mkdir()
        for record in records:
            store.append(tmp_path / name, record)
        return tmp_path / name

    return write


def test_the_baseline_is_the_one_asked_for_else_per_sample_else_the_first():
    record = make_ladder_record()
    names = [result.name for result in record.contestants]
    assert speedups.baseline(record).name == BASELINE
    asked = msgspec.structs.replace(record, baseline="fused")
    assert speedups.baseline(asked).name == "fused"
    without = msgspec.structs.replace(
        record, contestants=[each for each in record.contestants if each.name != BASELINE]
    )
    assert speedups.baseline(without).name == names[1]
    for row in rows.of([asked]):
        assert row.baseline == "fused"
        assert row.is_compared == (row.engine != "fused")
    (fused,) = [row for row in rows.of([record]) if row.engine == "fused"]
    (loop,) = [row for row in rows.of([asked]) if row.engine == BASELINE]
    assert loop.speedup == pytest.approx(1 / fused.speedup)


def test_a_report_may_be_made_with_another_baseline(written, without_png):
    folder = written(grid())
    list(build.build(folder))
    assert TITLE in (folder / "report.md").read_text()
    claimed = (folder / "speedup-by-batch.svg").read_text()
    assert all(claim in claimed for claim in CLAIMS.values())
    list(build.build(folder, "in_place"))
    page = (folder / "report.md").read_text()
    assert TITLE not in page
    assert "How much faster is a step of backprop by full_matrix than by in_place?" in page
    assert "full_matrix overtakes per_sample" not in page
    assert " --baseline in_place" in page
    assert set(pd.read_csv(folder / "speedup.csv")["baseline"]) == {"in_place"}
    pictured = (folder / "speedup-by-batch.svg").read_text()
    assert "speedup over in_place" in pictured
    assert not any(claim in pictured for claim in CLAIMS.values())


def test_the_claims_the_title_and_the_crossover_are_of_the_two_engines_that_were_raced(written, without_png):
    folder = written(grid(("full_matrix", "fused")))
    list(build.build(folder))
    page = (folder / "report.md").read_text()
    assert "How much faster is a step of backprop by fused than by full_matrix?" in page
    assert "per_sample" not in page
    assert not any(claim in (folder / "speedup-by-batch.svg").read_text() for claim in CLAIMS.values())
    assert f"{CHALLENGER} overtakes {BASELINE}" not in page


def test_commands_take_a_baseline_and_refuse_one_that_nobody_raced(written, call, undrawn):
    folder, other = written(grid()), written(grid(), "other")
    status, out, err = call("predict", folder, "--baseline", "fused", "--batch", 50)
    assert (status, err) == (0, "")
    assert "overtakes per_sample" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("fused")]
    assert "x" not in line
    for command in (("predict", folder), ("report", folder), ("report", folder, other)):
        status, _, err = call(*command, "--baseline", "fusde")
        assert (status, err.count("\n")) == (2, 1)
        assert "the baseline 'fusde' was not raced in" in err
        assert "did you mean fused? there are" in err
    race = ("race", "per_sample", "full_matrix", "--sizes", "8-4-2", "--seconds", 0.2)
    status, out, _ = call(*race, "--baseline", "full_matrix")
    assert status == 0
    (loop,) = [line for line in out.splitlines() if "per_sample" in line]
    (matrix,) = [line for line in out.splitlines() if " full_matrix" in line]
    assert "x" in loop.split()[-4]
    assert "x" not in matrix.replace("full_matrix", "")
    sweep = ("sweep", "--grid", "smoke", "--engines", "per_sample,full_matrix", "--out", folder.parent / "new")
    train = ("train", "--engines", "per_sample,full_matrix")
    for command in (race, sweep, train):
        status, _, err = call(*command, "--baseline", "full_matrx")
        assert (status, err.count("\n")) == (2, 1)
        assert "the baseline 'full_matrx' is not raced: did you mean full_matrix? there are per_sample" in err
    assert not (folder.parent / "new").exists()


def test_folders_are_compared_with_one_baseline(written):
    folders = [written(grid()), written(grid(), "other")]
    assert list(compare(folders).baselines) == [BASELINE]
    assert list(compare(folders, "fused").baselines) == ["fused"]
    with pytest.raises(InputError, match="was not raced in"):
        compare(folders, "x")
