"""Cells and grids: their words, and what is refused."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop import InputError
from backprop.functions import EVERYWHERE, HEAD, HEADS, HIDDEN
from bench.cells import grids
from bench.cells.cell import Cell, format_sizes, make_cell, parse_sizes


def test_a_cell_in_one_word():
    assert make_cell("784-30-10", 10, "float64", 1).id == "784-30-10-b10-float64-t1"
    assert Cell((784, 30, 10), 10, data="mnist5k").id == "784-30-10-b10-float64-t1-mnist5k"


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=6).map(tuple))
def test_sizes_as_text_and_back(sizes):
    assert parse_sizes(format_sizes(sizes)) == sizes


def test_the_default_grid_is_the_one_promised():
    cells = grids.cells_of("default")
    assert {cell.sizes for cell in cells} == {(784, width, 10) for width in (10, 30, 100, 300)}
    assert {cell.batch for cell in cells} == {1, 3, 10, 30, 100, 300}
    assert len(cells) == 24
    assert {(cell.dtype, cell.threads) for cell in cells} == {("float64", 1)}


def test_a_grid_file_is_every_combination(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('sizes = ["8-4-2", "8-2"]\nbatch = [1, 5]\ndtype = ["float32", "float64"]\n')
    cells = grids.cells_of(str(path))
    assert len(cells) == len(set(cells)) == 8
    assert Cell((8, 2), 5, "float32") in cells


@pytest.mark.parametrize("sizes", ["784", "784-0-10", "a-b", "", "784--10", "-784-10", "784-30-", "1.5-2", "784-٣"])
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(InputError, match="such as 784-30-10"):
        make_cell(sizes, 10, "float64", 1)


@pytest.mark.parametrize(
    ("batch", "dtype", "threads", "message"),
    [
        (0, "float64", 1, "batch must be 1 or more, not 0"),
        (-3, "float64", 1, "batch must be 1 or more, not -3"),
        (1, "float16", 1, "float32 and float64"),
        (1, "float64", 0, "threads must be from 1"),
        (1, "float64", 10**6, "the cores of this machine"),
    ],
)
def test_a_cell_that_cannot_be_raced_is_refused(batch, dtype, threads, message):
    with pytest.raises(InputError, match=message):
        make_cell("8-2", batch, dtype, threads)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('sizes = ["8-2"]\nbatch = [1]\nbatches = [2]', "unknown field `batches`"),
        ('sizes = ["8-2"]', "missing required field `batch`"),
        ('sizes = "8-2"\nbatch = [1]', "Expected `array`, got `str`"),
        ('sizes = ["8-2"]\nbatch = ["1"]', "Expected `int`, got `str`"),
        ('sizes = ["8-2"]\nbatch = [1.5]', "Expected `int`"),
        ('sizes = ["8-2"]\nbatch = [1]\ndtype = ["int8"]', "Invalid enum value 'int8'"),
        ('sizes = ["8"]\nbatch = [1]', "such as 784-30-10"),
        ('sizes = ["8-2"]\nbatch = [0]', "batch must be 1 or more"),
        ('sizes = ["8-2"]\nbatch = []', "batch must be a list of one or more"),
        ('sizes = ["8-2", "8-2"]\nbatch = [1]', "sizes must be a list of one or more different"),
        (
            'sizes = ["8-4-2"]\nbatch = [1]\nhidden = "relu"',
            r"and head \(list of heads such as 'softmax-cross-entropy'\)",
        ),
        ('sizes = ["8-4-2"]\nbatch = [1]\nhidden = ["rely"]', r"unknown activation 'rely': did you mean relu\?"),
        ('sizes = ["8-4-2"]\nbatch = [1]\nhidden = ["softmax"]', "softmax goes on top only"),
        ('sizes = ["8-4-2"]\nbatch = [1]\nhidden = []', "hidden must be a list of one or more"),
        ('sizes = ["8-2"]\nbatch = [1]\nhidden = ["relu"]', "sizes 8-2 have no hidden layer to be relu"),
        ('sizes = ["8-4-2"]\nbatch = [1]\nhead = ["softmax"]', r"did you mean softmax-cross-entropy\?"),
        (
            'sizes = ["8-4-2"]\nbatch = [1]\nhead = ["relu-quadratic", "relu-quadratic"]',
            "head must be a list of one or",
        ),
        ("sizes = [", "grid file"),
        ("\udcff", "grid file"),
    ],
)
def test_a_bad_grid_file_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=message) as refusal:
        grids.cells_of(str(path))
    assert "\n" not in str(refusal.value)


def test_functions_are_axes_of_a_grid_like_any_other(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('sizes = ["8-4-2"]\nbatch = [1, 5]\nhidden = ["relu", "tanh"]\nhead = ["softmax-cross-entropy"]\n')
    cells = grids.cells_of(str(path))
    assert [cell.id for cell in cells] == [
        f"8-4-2-b{batch}-float64-t1-{hidden}-softmax-cross-entropy" for hidden in ("relu", "tanh") for batch in (1, 5)
    ]


def test_functions_are_asked_for_where_the_grid_does_not_name_them(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('sizes = ["8-4-2"]\nbatch = [1]\nhidden = ["sigmoid"]\n')
    (cell,) = grids.cells_of(str(path), head="tanh-quadratic")
    assert (cell.hidden, cell.head) == ("sigmoid", "tanh-quadratic")
    assert {cell.hidden for cell in grids.cells_of("smoke", hidden="relu")} == {"relu"}
    with pytest.raises(InputError, match=r"mine\.toml names hidden itself: leave --hidden relu out"):
        grids.cells_of(str(path), hidden="relu")
    with pytest.raises(InputError, match=r"did you mean relu-quadratic\?"):
        grids.cells_of("smoke", head="relu-quadratik")


def test_the_grid_of_heads_has_each_function_beside_the_default_ones_alone():
    cells = grids.cells_of("heads")
    assert len(cells) == len(set(cells))
    assert {(cell.sizes, cell.batch) for cell in cells} == {((784, 30, 10), 10), ((64, 64, 64, 10), 32)}
    default = {cell for cell in cells if (cell.hidden, cell.head) == (HIDDEN, HEAD)}
    assert len(default) == 2
    assert {cell.head for cell in cells if cell.hidden == HIDDEN} == set(HEADS)
    assert {cell.hidden for cell in cells if cell.head == HEAD} == {"sigmoid", "tanh", "relu"}
    assert {(cell.hidden, cell.head) for cell in cells if cell.hidden != HIDDEN and cell.head != HEAD} == {
        ("relu", "softmax-cross-entropy")
    }


def test_no_two_cells_have_the_same_id():
    functions = product(EVERYWHERE, HEADS, ("float32", "float64"), ("random", "mnist5k"))
    cells = [Cell((8, 4, 2), 3, dtype, 1, data, hidden, head) for hidden, head, dtype, data in functions]
    assert len({cell.id for cell in cells}) == len(cells)
    assert Cell((8, 4, 2), 3, data="digits", hidden="relu").id == "8-4-2-b3-float64-t1-relu-digits"


def test_an_unknown_grid_says_what_there_is():
    with pytest.raises(InputError, match="smoke, default, full, shapes, gate, libraries, heads"):
        grids.cells_of("tiny")
    with pytest.raises(InputError, match="can't be read: No such file"):
        grids.cells_of("none.toml")
