"""Pictures: the same whatever the user's settings are, under safe and distinct names, and none costs the pages."""

import os
import re
import subprocess
import sys

import matplotlib as mpl
import msgspec
import pytest
from examples import (
    ENVIRONMENT,
    PEAK,
    make_finding,
    make_gate_record,
    make_ladder_record,
    make_record,
    make_training,
    under,
)
from examples import make_timed_record as make_timed
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from shown import text

from bench.analysis import ladder, speedup_frame
from bench.cells.cell import Cell
from bench.gate import figure
from bench.records import store
from bench.report import build, machines, pictures, selection
from bench.report.figures import (
    accuracy_curves,
    factor_by_batch,
    memory_by_batch,
    panels,
    roofline,
    save,
    side_by_side,
    waterfall,
)
from bench.report.filenames import distinct
from bench.report.grouping import grid_of
from bench.report.machines import letter
from bench.report.side_by_side import compare

NAMES = [
    "fused", "sub/mine.py", "sub-mine.py", "../up/mine.py", "full_matrix@origin/main", "v1.2", "v1.3", "a:b", "CON",
    "con", "per_sample#2", "x" * 300, "x" * 300 + "y", "中.py", "文.py", "a b", "a-b-2", "a|b<c>?*", ".hidden", "end.",
    "", "...", "r\udcfc.py", "fused-2", "nul.txt", "new\nline",
]  # fmt: skip


def test_files_are_named_safely_and_apart_whatever_they_are_named_after():
    made = distinct(NAMES)
    assert len({name.lower() for name in made}) == len(NAMES)
    for name in made:
        assert re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,90}[A-Za-z0-9_])?", name), name
    assert made[0] == "fused"
    assert made[5:7] == ["v1.2", "v1.3"]
    assert distinct(["full_matrix", "mine.py", "torch_eager"]) == ["full_matrix", "mine.py", "torch_eager"]


def test_every_panel_is_in_one_figure_of_its_own_name(monkeypatch):
    names = [name for name in NAMES if name]
    seconds = dict.fromkeys(["per_sample", *names], 1e-5)
    found = [
        make_timed(Cell((8, 4, 2), 10, dtype, threads), seconds)
        for dtype in ("float32", "float64")
        for threads in (1, 2)
    ]
    grid = grid_of(speedup_frame.frame(found))
    monkeypatch.setattr(panels, "PANELS", (8, 3))
    stems = [name for name, _ in panels.draw(grid, "")]
    assert len({stem.lower() for stem in stems}) == len(stems) == 2 * 2 * len(names)  # two kinds, four panels in threes
    assert {"speedup-heatmap-fused", "speedup-heatmap-fused-2", "speedup-heatmap-v1.2"} <= set(stems)


@pytest.mark.usefixtures("undrawn")
def test_engines_named_by_paths_have_pictures_and_pages_that_link_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr(panels, "PANELS", (1, 24))
    names = ("sub/mine.py", "v1.2", "v1.3")
    store.append(
        tmp_path,
        make_ladder_record(engines={"per_sample": (9.0, None), **dict.fromkeys(names, (3.0, None))}, floor=None),
    )
    list(build.build(tmp_path))
    told = (tmp_path / "report.md").read_text()
    links = re.findall(r"!\[[^]]*\]\(([^)]*)\)", told)
    assert set(links) == {path.name for path in tmp_path.glob("*.png")}
    kinds = {f"speedup-heatmap-{name}.{form}" for name in ("sub-mine.py", "v1.2", "v1.3") for form in ("png", "svg")}
    assert kinds <= {path.name for path in tmp_path.iterdir()}


def test_letters_go_on_after_z():
    assert [letter(n) for n in (0, 25, 26, 27, 51, 52, 701, 702)] == ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]
    assert len({letter(n) for n in range(800)}) == 800


def of_machines(number, batch=10):
    return [
        msgspec.structs.replace(make_record(batch), environment=msgspec.structs.replace(ENVIRONMENT, host=f"{i:06x}"))
        for i in range(number)
    ]


@pytest.mark.usefixtures("without_png")
def test_more_machines_than_letters_are_all_told_of_and_the_first_are_pictured(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "MOST_PICTURED", 2)
    for record in of_machines(28):
        store.append(tmp_path, record)
    printed = text(build.build(tmp_path))
    assert "AB: Test CPU" in printed
    assert re.search(r"^machine AB$", printed, re.MULTILINE)
    told = (tmp_path / "report.md").read_text()
    assert "784-30-10-b10-float64-t1, machine AB |" in told
    assert "| host | 00001b |" in told
    assert "28 machines, A to AB" in told
    assert "Pictured are machines A to B of 28" in told
    drawn = (tmp_path / "speedup-heatmap.svg").read_text()
    assert "machine B: " in drawn
    assert "machine C: " not in drawn


def test_a_machine_has_its_letter_also_where_not_all_are_shown():
    found = of_machines(3)
    found[0] = msgspec.structs.replace(found[0], cell=msgspec.structs.replace(found[0].cell, dtype="float32"))
    grid = grid_of(speedup_frame.frame(found))
    shown = selection.pictured(found[1:], grid)
    assert sorted(shown["place"].unique()) == ["B", "C"]


def test_folders_of_more_machines_than_letters_are_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(side_by_side, "MOST_PICTURED", 3)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for record in of_machines(14):
            store.append(tmp_path / name, record)
    comparison = compare([tmp_path / "one", tmp_path / "two"])
    assert list(comparison.told)[-2:] == ["AA", "AB"]
    assert len(side_by_side.draw(comparison.told, comparison.rows).axes) == 2


def test_an_engine_has_one_colour_in_the_pictures_of_a_page():
    found = [make_ladder_record(batch) for batch in (1, 10)]
    rows = speedup_frame.frame(found)
    drawn = [factor_by_batch.panel(found, rows), *memory_by_batch.panels(grid_of(rows), rows["engine"])]
    factors, memory = (panels.small(panel).axes[0] for panel in drawn)
    named = {text.get_text(): mpl.colors.to_rgba(text.get_color()) for text in factors.texts}
    lines = {line.get_label(): mpl.colors.to_rgba(line.get_color()) for line in memory.lines}
    shared = [engine for engine in named if engine in lines]
    assert {"full_matrix", "in_place", "fused"} <= set(shared)
    assert [named[engine] for engine in shared] == [lines[engine] for engine in shared]
    assert len({named[engine] for engine in shared} | {lines["per_sample"]}) == len(shared) + 1


def test_no_word_runs_over_the_edge_of_a_small_picture():
    found = [make_ladder_record(batch, "512-512") for batch in (1, 10, 32, 100, 1000)]
    rows = speedup_frame.frame(found).assign(calls_share=0.5, passes_share=0.3, products_share=0.2, shares_are="fitted")
    grid = grid_of(rows)
    shown = [panel for kind in panels.by_stem(grid).values() for panel in kind]
    shown += memory_by_batch.panels(grid, rows["engine"])
    shown += pictures.of_the_story(found, rows).values()
    for drawn in map(panels.small, shown):
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        width, height = canvas.get_width_height()
        ticks = {id(one) for axes in drawn.axes for one in (*axes.get_xticklabels(), *axes.get_yticklabels())}
        words = [one for one in drawn.findobj(Text) if one.get_text() and id(one) not in ticks]  # not all are drawn
        ends = {one.get_text(): one.get_window_extent() for one in words if one.get_visible()}
        over = [told for told, end in ends.items() if end.x0 < 0 or end.x1 > width or end.y0 < 0 or end.y1 > height]
        assert len(words) > 2
        assert not over


def drawings():
    """One figure of every kind, as it is written to an SVG."""
    found = under(PEAK, *(make_ladder_record(batch) for batch in (1, 10)))
    rows = speedup_frame.frame(found)
    yield waterfall.draw(ladder.headline(found), "", "note")
    yield from (draw() for _, draw in memory_by_batch.draw(grid_of(rows), rows["engine"], "note"))
    yield from (panels.small(panel) for panel in pictures.of_the_story(found, rows).values())
    yield from (draw() for _, draw in panels.draw(grid_of(rows), "note"))
    yield from (draw() for _, draw in roofline.draw(grid_of(rows), "note"))
    yield from (draw() for _, draw in accuracy_curves.draw([make_training(10, 0, {"per_sample": (1.0, 3)})]))


def svgs():
    gate = figure.draw(make_gate_record(make_finding()), "svg")
    return [*(save.encode(figure, "svg") for figure in drawings()), gate]


def test_the_users_settings_change_no_picture():
    hostile = {
        "text.usetex": True, "figure.facecolor": "black", "axes.facecolor": "black", "savefig.facecolor": "red",
        "savefig.bbox": "tight", "axes.grid": True, "lines.linewidth": 9, "svg.hashsalt": None, "axes.titlesize": 40,
        "font.family": "serif", "savefig.dpi": 13, "image.cmap": "gray", "axes.spines.left": False,
    }  # fmt: skip
    before = svgs()
    with mpl.rc_context(hostile):
        assert svgs() == before
        assert mpl.rcParams["lines.linewidth"] == 9, "and theirs are left as they are"
    assert mpl.rcParams["backend"]


@pytest.mark.parametrize("content", [b"text.usetex: True\nbackend: nonsense\nno colon", b"\xff\xfe"])
def test_matplotlib_is_imported_whatever_the_environment_says(tmp_path, content):
    (tmp_path / "rc").mkdir()
    (tmp_path / "rc" / "matplotlibrc").write_bytes(content)
    code = (
        "from bench.report.figures import style; style.load_matplotlib(); import matplotlib, os; "
        "print(matplotlib.rcParams['text.usetex'], os.environ['MPLBACKEND'])"
    )
    environment = {**os.environ, "MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(tmp_path / "rc")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("False nonsense\n", "", 0)


def test_the_waterfall_has_its_title_in_the_page_or_in_the_picture_and_not_twice():
    found = [make_ladder_record()]
    (shot,) = pictures.shots(found, speedup_frame.frame(found), [], [])[waterfall.STEM]
    assert shot.finding.startswith("10.0x from per_sample to fused")
    assert shot.setting.startswith("784-30-10, batch 10; float64")
    top = ladder.headline(found)
    for titled, titles in ((True, [shot.finding, shot.setting]), (False, [])):
        (axes,) = waterfall.draw(top, "", "", titled).axes
        words = [axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)]
        assert [told for told in words if told in (shot.finding, shot.setting)] == titles


@pytest.mark.usefixtures("undrawn")
def test_a_picture_that_fails_costs_a_warning_and_nothing_else(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no latex")

    monkeypatch.setattr(waterfall, "draw", fail)
    store.append(tmp_path, make_ladder_record(engines={"per_sample": (9.0, None), "full_matrix": (3.0, "per_sample")}))
    printed = text(build.build(tmp_path), 200)
    assert printed.count("warning: the picture waterfall can't be drawn: RuntimeError: no latex") == 1
    assert "waterfall.png" not in (tmp_path / "report.md").read_text()
    assert {"report.html", "memory-by-batch.png"} <= {path.name for path in tmp_path.iterdir()}
