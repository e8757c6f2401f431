"""The bar of a sweep: cells done, and the cell at work."""

import io

from examples import make_record
from rich.console import Console

from bench.cells.cell import Cell
from bench.terminal import progress


def test_the_bar_shows_cells_done_and_the_cell_at_work(tmp_path, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=80))
    with progress.SweepBar(tmp_path) as bar:
        bar.begin(3, 24)
        bar.at_work([Cell((784, 1000, 1000, 10), 1000, "float32", 2)], 3725.0)
        assert "21/24 784-1000-1000-10-b1000-float32-t2" in screen.getvalue()
        assert "1:02:05" in screen.getvalue()
        bar.done(make_record(failed="crashed"), 60.0)
        assert "22/24 784-30-10-b10-float64-t1  full_matrix " in screen.getvalue()
        assert "wrong FAILED" in screen.getvalue()
