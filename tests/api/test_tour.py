"""The tour runs from its first cell to its last, in a notebook's kernel, and its page is fit to be shown."""

import json

import nbformat
import pytest
import tour

FAST = "from bench.timing import schedule\nschedule.PASSES = (2, 2)\n"


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(tour.TOUR, as_version=4)


def shown(notebook):
    """What each cell of code shows, as text."""
    return [json.dumps(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def test_the_tour_runs(committed, tmp_path):
    text = json.dumps(committed).replace("SECONDS = 2.0", "SECONDS = 0.1").replace("[1, 3, 10, 30, 100]", "[1, 10]")
    quick = nbformat.from_dict(json.loads(text))
    quick.cells[1].source += "\n" + FAST
    ran = tour.tidied(tour.execute(quick, tmp_path))
    first, *outputs = shown(ran)
    assert first == "[]"
    assert all(output != "[]" for output in outputs)
    told = "".join(outputs)
    assert "the division by the batch is missing" in told
    assert told.count('"image/png": ') == 3
    assert "<table" in outputs[3]
    assert "Mended" in outputs[-2]
    assert "progress" not in told  # bars that have ended


def test_the_page_that_is_kept_is_whole_short_and_of_no_one_machines_folders(committed):
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert len(code) <= 12
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    text = tour.TOUR.read_text()
    assert all(word not in text for word in ("/tmp/", "/home", "/root", "site-packages", "Traceback"))
    assert [output == "[]" for output in shown(committed)] == [True] + [False] * (len(code) - 1)
