"""The ladder of a cell: the order of its rungs, what each is compared with, and the pages and pictures of it."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
import targets
from examples import LADDER, make_ladder_record, make_record
from shown import leave_out_png

from bench.analysis import ladder, speedup_frame, speedups
from bench.records import store
from bench.report import build, markdown, tables


def factors(rungs):
    return {rung.name: (rung.base, rung.factor and round(rung.factor.value, 1)) for rung in rungs}


def test_each_rung_is_compared_with_the_one_it_changes_whatever_the_order_of_the_record():
    top = ladder.climb(make_ladder_record(engines=dict(reversed(LADDER.items()))))
    assert factors(top.rungs) == {
        "per_sample": (None, None),
        "full_matrix": ("per_sample", 4.0),
        "in_place": ("full_matrix", 1.2),
        "fused": ("in_place", 2.0),
    }
    assert [rung.name for rung in top.rungs] == ["per_sample", "full_matrix", "in_place", "fused"]
    assert top.fastest.name == "fused"
    assert factors([top.floor]) == {"floor": ("fused", 1.6)}
    assert factors(top.beside) == {"jax_jit": ("fused", 0.3), "torch_eager": ("fused", 0.1)}


def test_a_rung_whose_base_was_not_raced_is_compared_with_the_one_before():
    without = {name: entry for name, entry in LADDER.items() if name != "in_place"}
    assert factors(ladder.climb(make_ladder_record(engines=without)).rungs)["fused"] == ("full_matrix", 2.5)


def test_two_changes_of_one_engine_are_both_compared_with_it():
    branched = {**LADDER, "other": (5.0, "full_matrix")}
    assert factors(ladder.climb(make_ladder_record(engines=branched)).rungs)["other"] == ("full_matrix", 2.0)


def test_peers_alone_are_compared_with_the_first():
    peers = {name: LADDER[name] for name in ("torch_eager", "jax_jit")}
    top = ladder.climb(make_ladder_record(engines=peers))
    assert (factors(top.rungs), factors(top.beside)) == (
        {"torch_eager": (None, None)},
        {"jax_jit": ("torch_eager", 3.3)},
    )


def test_an_engine_that_claims_to_change_itself_ends_the_search():
    assert ladder.climb(make_ladder_record(engines={"mine.py": (4.0, "mine.py")})).rungs[0].name == "mine.py"


def test_the_headline_is_the_projects_cell_else_the_one_with_most_engines():
    small, large = make_record(10), make_ladder_record(100)
    assert ladder.headline([small, large]).record is small
    assert ladder.headline([make_record(3), large]).record is large
    assert ladder.headline([make_record(10, failed="no", slow="too slow")]) is None


def test_without_the_projects_cell_it_is_its_network_and_batch_else_the_middle_of_the_batches():
    single = [make_record(batch, dtype="float32") for batch in (1, 10, 100, 300)]
    assert ladder.headline([*single, make_ladder_record(30)]).record is single[1]
    wide = [make_record(batch, width="100") for batch in (1, 10, 30, 100, 300)]
    assert ladder.headline(wide).record is wide[2]


def test_efficiency_is_the_floors_time_over_the_engines():
    rows = speedup_frame.frame([make_ladder_record()]).set_index("engine")
    assert rows["efficiency"]["fused"] == pytest.approx(2.5 / 4, rel=0.01)
    assert rows["efficiency_low"]["fused"] < rows["efficiency"]["fused"] < rows["efficiency_high"]["fused"]
    assert rows["flops"]["fused"] == 2 * 10 * (2 * 784 * 30 + 3 * 30 * 10)
    assert speedup_frame.frame([make_ladder_record(floor=None)])["efficiency"].isna().all()


def test_the_fastest_are_those_that_the_noise_does_not_tell_apart():
    engines = {"per_sample": (40.0, None), "full_matrix": (4.1, "per_sample"), "fused": (4.0, "full_matrix")}
    quiet, noisy = (make_ladder_record(engines=engines, noise=noise) for noise in (0.0001, 0.02))
    assert [result.name for result in speedups.fastest(quiet)] == ["fused"]
    assert {result.name for result in speedups.fastest(noisy)} == {"fused", "full_matrix"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder")
    for batch in (1, 10, 100):
        for hidden in ("10", "30"):
            store.append(folder, make_ladder_record(batch, hidden))
    with pytest.MonkeyPatch.context() as patch:
        leave_out_png(patch)
        list(build.build(folder))
    return folder


def svg_text(path):
    return " ".join(element.text or "" for element in ET.parse(path).iter() if element.tag.endswith("text"))


def test_the_waterfall_has_every_factor_with_its_interval_and_the_peers(folder):
    told = svg_text(folder / "waterfall.svg")
    for words in ("10.0x from per_sample to fused, 1.60x above the floor", "4.00x", "2.00x", "400 us", "40.0 us"):
        assert words in told
    assert re.search(r"[34]\.\d\d-4\.\d\dx", told)
    for name in [*LADDER, "floor", "beside it, their time over fused's"]:
        assert name in told


def test_the_memory_of_peers_is_not_known_and_the_rest_is_drawn(folder):
    told = svg_text(folder / "memory-by-batch.svg")
    assert "torch_eager: not known" in told
    assert "fused: not known" not in told
    assert "784-30-10: 1" in told
    assert "float64; BLAS threads: 1" in told


def test_the_efficiency_heatmap_has_each_share(folder):
    told = svg_text(folder / "efficiency-heatmap.svg")
    assert "fused is at 62% to 63% of the floor's speed" in told or "fused is at 62% to 62%" in told
    assert "6%" in told.split()


def test_the_page_has_the_ladder_the_fastest_and_every_cell(folder):
    told = (folder / "report.md").read_text()
    assert re.search(r"\| fused \| 40\.\d us \| 2\.00x \(.*\) as fast as in_place \| 10\.0x \| 6[23]% \|", told)
    assert re.search(
        r"\| torch_eager \| \d+ us \| fused is (10\.0|9\.9\d)x \(.*\) as fast \| (1\.00|0\.99\d)x \| 6% \|",
        told,
    )
    assert re.search(r"\| 30 \| fused 6[23]% \| fused 6[23]% \| fused 6[23]% \|", told)
    assert re.search(r"\| 784-10-10-b100-float64-t1 \| 3\.2 \| 4\.00x \| 1\.25x \| 2\.00x \| fused \|", told)
    assert "| torch_eager | 1.50 s | 1.50 s |" in told
    for name in re.findall(r"\]\(([^)]+)\)", told):
        assert (folder / name).exists(), name


def test_the_page_says_whose_products_make_the_floor():
    plain, xla = make_ladder_record(batch=1), make_ladder_record(batch=10)
    xla = msgspec.structs.replace(xla, floor=msgspec.structs.replace(xla.floor, by="jax_jit"))
    told = markdown.table(tables.every_cell([plain, xla]))
    assert re.search(r"-b1-float64-t1 .*\| 6[23]% \|", told)
    assert re.search(r"-b10-float64-t1 .*\| 6[23]% \(jax_jit\) \|", told)


def missed(**made):
    """The columns in which a cell misses a target, and all that it has."""
    verdicts = targets.judge(make_ladder_record(**made))
    return {verdict.column for verdict in verdicts if not verdict.met}, {verdict.column for verdict in verdicts}


def test_targets_are_judged_cell_by_cell():
    compiled = {**LADDER, "numba_jit": (2.7, "fused")}
    assert missed(engines=compiled) == (
        {"per_sample / ours"},  # 15x, not 18x; and 1.08 of the floor is near enough
        {
            "ours / floor",
            "nearest / floor",
            "fused / numba_jit",
            "per_sample / ours",
            "torch_eager / ours",
            "jax_jit / ours",
        },
    )
    quick = {"per_sample": (60.0, None)}
    assert missed(engines={**compiled, **quick})[0] == set()
    assert missed(engines={**compiled, **quick, "numba_jit": (3.0, "fused")})[0] == {"ours / floor"}  # 1.2
    of_the_floor = [v.met for v in targets.judge(make_ladder_record(engines={**compiled, "numba_jit": (3.0, "fused")}))]
    assert of_the_floor.count(False) == 2, "within 1.25, not within 1.10"
    assert missed(engines={**compiled, **quick}, floor=2.8)[0] == {"nearest / floor"}
    assert "fused / numba_jit" in missed(engines={**compiled, "numba_jit": (4.1, "fused")})[0]
    slower = {**compiled, **quick, "jax_jit": (5.0, None)}
    assert missed(engines=slower)[0] == {"jax_jit / ours"}
    assert missed(engines=slower, batch=100)[0] == set(), "from 1 MFLOP on, level is enough"
    assert "ours / floor" not in missed(engines={**compiled, "numba_jit": (3.7, "fused")}, batch=1)[0], "1.5 is, below"


def test_the_page_of_targets_counts_threads_apart_and_lists_the_cells_that_were_not_raced():
    one = make_ladder_record()
    two = make_ladder_record(threads=2)
    page = targets.write([one, two])
    assert "| no engine below the floor | 1 of 1 | 1 of 1 |" in page
    left_out = page.split("## Cells of the grid")[1].split("\n\n")[1].split(", ")
    assert "784-300-10-b32-float32-t1" in left_out
    assert one.cell.id not in left_out
