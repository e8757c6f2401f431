"""Networks of several functions in one folder: kept apart, named in words, and what their functions cost in a table."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from examples import LADDER, make_ladder_record, make_record
from shown import text

from bench.analysis import ladder
from bench.cells.cell import Cell
from bench.records import store
from bench.records.record import Result
from bench.report import build, functions_cost, races
from bench.report.document import Listing, Table
from bench.report.predict import predict
from bench.report.side_by_side import compare

USUAL = {"hidden": "relu", "head": "softmax-cross-entropy"}
WORDS = "relu hidden layers", "softmax output under cross-entropy cost"


def cheaper(share, name, **cell):
    """A record of the ladder in which this engine takes this share of its time."""
    engines = {each: (micros * (share if each == name else 1), after) for each, (micros, after) in LADDER.items()}
    return make_ladder_record(engines=engines, **cell)


def without(record, name, why):
    left_out = [one if one.name != name else Result(name, left_out=why) for one in record.contestants]
    return msgspec.structs.replace(record, contestants=left_out)


def words_of(path):
    return "\n".join("".join(each.itertext()) for each in ET.parse(path).iter() if each.tag.endswith("text"))


def tables(found):
    return [
        {(line[0], line[1]): dict(zip(block.headings[2:], line[2:], strict=True)) for line in block.lines}
        for block in functions_cost.blocks(found)
        if isinstance(block, Table)
    ]


def test_the_table_has_floors_in_its_first_line_and_percents_below_it():
    found = [cheaper(0.75, "fused", hidden="relu"), make_ladder_record(), cheaper(1.5, "fused", **USUAL)]
    (lines,) = tables(found)
    assert [*lines] == [("sigmoid", "sigmoid-quadratic"), ("relu", "sigmoid-quadratic"), tuple(USUAL.values())]
    reference, relu, usual = lines.values()
    assert (reference["per_sample"], reference["fused"]) == ("16.0x", "1.60x")
    assert re.fullmatch(r"-25 ±[23]%", relu["fused"])
    assert re.fullmatch(r"\+50 ±[3456]%", usual["fused"])
    assert re.fullmatch(r"\+0 ±[34]%", usual["per_sample"])


def test_an_engine_that_cannot_train_the_first_network_has_its_floors_and_the_reason_is_told_once():
    found = [
        without(make_ladder_record(head=head), "jax_jit", "it can't")
        for head in ("sigmoid-quadratic", "tanh-quadratic")
    ]
    found.append(make_ladder_record(**USUAL))
    (lines,) = tables(found)
    assert [line["jax_jit"] for line in lines.values()] == ["left out", "left out", "4.80x"]
    (listing,) = [block for block in functions_cost.blocks(found) if isinstance(block, Listing)]
    assert listing.items == [("jax_jit", ": left out of 2 of 3: it can't")]


def test_a_sentence_tells_what_the_usual_functions_cost_the_loop_and_the_fastest():
    found = [make_ladder_record(), cheaper(0.75, "fused", hidden="relu"), make_ladder_record(head="tanh-quadratic")]
    found.append(cheaper(2.0, "per_sample", **USUAL))
    told = functions_cost.sentence(found, found[0].cell)
    assert told.startswith(
        "What functions cost a step at 784-30-10, batch 10, counted in floors, against sigmoid hidden"
    )
    assert re.search(r"with relu hidden layers it takes per_sample as long \(±\d%\) and fused 25% less \(±\d%\);", told)
    assert re.search(rf"with {WORDS[0]} and {WORDS[1]} it takes per_sample 100% more \(±\d%\) and fused as long", told)
    assert "tanh" not in told
    assert functions_cost.sentence(found[:1], found[0].cell) == ""


@pytest.mark.usefixtures("undrawn")
def test_a_report_has_the_table_where_functions_differ_and_nothing_of_it_where_they_do_not(tmp_path):
    for name, found in {
        "one": [make_ladder_record(batch, **USUAL) for batch in (1, 10)],
        "two": [make_ladder_record(), make_ladder_record(**USUAL)],
    }.items():
        (tmp_path / name).mkdir()
        for record in found:
            store.append(tmp_path / name, record)
        printed = text(build.build(tmp_path / name))
        markdown = (tmp_path / name / "report.md").read_text()
        assert ("<summary>What the functions cost</summary>" in markdown) == (name == "two")
        assert ("| relu | softmax-cross-entropy | +0 ±" in markdown) == (name == "two")
        assert bool(re.search(r"^relu    softmax-cross-entropy +\+0 ±", printed, re.M)) == (name == "two")
        assert "What functions cost a step" in markdown or name == "one"
        assert ", ".join(WORDS) in " ".join(printed.split())
        assert all(len(line) <= 80 for line in printed.splitlines() if "_" in line and "it takes" not in line)


@pytest.mark.usefixtures("without_png")
def test_networks_of_other_functions_have_pictures_of_their_own_named_in_words(tmp_path):
    for functions in ({}, USUAL):
        for batch, width in ((1, "10"), (1, "30"), (10, "10"), (10, "30")):
            store.append(tmp_path, make_record(batch, 3.0, width, **functions))
    list(build.build(tmp_path))
    words = words_of(tmp_path / "speedup-by-batch.svg")
    assert words.count("784 inputs, one hidden layer, 10 outputs; float64; BLAS threads: 1") == 2
    assert words.count("; ".join(WORDS)) == 1
    assert words.count("5x: this project's source") == 1  # nothing was claimed of other networks
    assert all(told in words_of(tmp_path / "memory-by-batch.svg") for told in WORDS)


@pytest.mark.usefixtures("without_png")
def test_a_single_cell_of_other_functions_is_told_in_tables_alone(tmp_path):
    for functions in ({}, USUAL, {"hidden": "tanh"}):
        store.append(tmp_path, make_ladder_record(**functions))
    list(build.build(tmp_path))
    for name in ("efficiency-heatmap.svg", "memory-by-batch.svg"):
        assert not any(told in words_of(tmp_path / name) for told in (*WORDS, "tanh"))
    assert "784-30-10-b10-float64-t1-relu-softmax-cross-entropy" in (tmp_path / "report.md").read_text()


def test_the_ladder_of_a_folder_is_climbed_at_the_projects_own_sizes():
    found = [make_ladder_record(1, **USUAL), make_ladder_record(10, **USUAL)]
    assert ladder.headline(found).record is found[1]


def test_a_prediction_for_functions_that_were_not_raced_names_those_that_were(tmp_path):
    for batch in (1, 3, 10, 30):
        for width in ("10", "30"):
            store.append(tmp_path, make_ladder_record(batch, width, hidden="relu"))
    with pytest.raises(
        ValueError, match=r"no timings for a model of float64 with threads 1; it has: float64 with .* 1, relu"
    ):
        list(predict(tmp_path, Cell((784, 30, 10), 10)))
    told = text(predict(tmp_path, Cell((784, 30, 10), 10, hidden="relu")))
    assert "784-30-10-b10-float64-t1-relu: predicted" in told


def test_folders_are_compared_cell_by_cell_whatever_their_functions(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for functions in ({}, USUAL):
            store.append(tmp_path / name, make_record(**functions))
    cells = compare([tmp_path / "a", tmp_path / "b"]).rows.index.get_level_values("cell").unique()
    assert [*cells] == ["784-30-10-b10-float64-t1", "784-30-10-b10-float64-t1-relu-softmax-cross-entropy"]


def test_a_race_says_in_words_what_it_trained_where_that_is_not_the_default():
    for functions, told in (({}, False), (USUAL, True)):
        lines = [*races.describe([make_record(**functions)])]
        assert (", ".join(WORDS) in lines) == told
