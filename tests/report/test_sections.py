"""What a report says: the same facts in Markdown and in HTML, the answer in two sentences, machines apart."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import product
from math import exp

import msgspec
import pytest
from examples import ENVIRONMENT, GRID, LADDER, LOOP, MATRIX, exact, make_ladder_record, make_record, make_timed_record
from shown import with_pictures

from bench.analysis import cost_model, speedup_frame, speedups
from bench.cells.cell import Cell
from bench.records import store
from bench.records.record import Result
from bench.report import (
    answer,
    build,
    crossing,
    html,
    machines,
    markdown,
    numbers,
    pictures,
    sections,
    selection,
    story,
)
from bench.report.answer import sentences
from bench.report.document import Code, Fold, Guess, Listing, Number, Picture, Section, Table, Text
from bench.report.figures import panels, save
from bench.report.grouping import grid_of


def told(found):
    return list(sentences(found, speedup_frame.frame(found)))


def titles_of(markdown):
    """The sections that are shown, those that are folded, and what folds within one."""
    return re.findall(r"^(?:## |<details><summary>)(.*?)(?:</summary>)?$", markdown, re.MULTILINE)


@pytest.fixture(scope="module")
def grid():
    """Both engines over a grid, as their prices have it."""
    return [
        make_timed_record(cell, {"per_sample": exact(LOOP, cell), "full_matrix": exact(MATRIX, cell)}) for cell in GRID
    ]


def test_two_sentences_tell_how_much_here_and_elsewhere(grid):
    much, elsewhere = told(grid)
    cell = Cell((784, 30, 10), 10)
    gain = exact(LOOP, cell) / exact(MATRIX, cell)
    factor, spread = numbers.factor(gain), exp(1.96 * speedups.MOMENTS)
    assert much.startswith("At 784-30-10, batch 10 (float64, BLAS threads: 1), full_matrix takes ")
    assert f": {factor} as fast (95 % interval {numbers.interval(gain / spread, gain * spread)})" in much
    ratios = [exact(LOOP, cell) / exact(MATRIX, cell) for cell in GRID]
    assert (
        f"Over 12 cells of this setting it is {numbers.factor(min(ratios))} to {numbers.factor(max(ratios))} as fast"
        in elsewhere
    )


def test_a_folder_in_which_nothing_was_timed_says_so_and_has_no_empty_sections(tmp_path):
    record = make_timed_record(GRID[0], {"per_sample": 1.0})
    crashed = [Result("per_sample", left_out="killed by SIGSEGV", failed=True)]
    store.append(tmp_path, msgspec.structs.replace(record, contestants=crashed, noise=None))
    list(build.build(tmp_path))
    assert titles_of((tmp_path / "report.md").read_text()) == [
        "What was asked",
        "The answer",
        "How sure",
        "Left out",
        "Which, where and why",
        "Machine and versions",
        "How to reproduce",
    ]


def test_who_was_left_out_is_told_in_a_line_and_why_opens_below_it(grid):
    slow = [Result("mine.py", left_out="too slow"), Result("<mine>.py", left_out="too slow")]
    found = [msgspec.structs.replace(one, contestants=[*one.contestants, *slow]) for one in grid[:3]] + grid[3:]
    told_of = sections.tell(found, speedup_frame.frame(found), [], [], "")
    ((told, fold),) = [section.blocks for section in told_of if section.title == "Left out"]
    assert told.words.startswith("In 3 cells of 12 not every engine was timed. ")
    assert told.words.endswith(": mine.py and <mine>.py.")
    assert list(fold.table.lines[-1]) == [found[2].cell.id, "<mine>.py", "too slow"]
    assert len(fold.table.lines) == 6


def test_the_crossovers_of_all_networks_fold_below_the_sentence(grid):
    models = cost_model.models(grid)
    said, modelled, fold = crossing.blocks(grid, models)
    assert said.words.startswith("Of the batch sizes raced at 784-30-10 (1, 10, 100, 300) ")
    assert modelled.words.startswith("By the cost model full_matrix ")
    assert {line[0] for line in fold.table.lines} == {"784-10-10", "784-30-10", "784-100-10"}


def test_a_revision_that_git_would_not_tell_is_unknown_and_why():
    refused = msgspec.structs.replace(ENVIRONMENT, revision=None, dirty=None, revision_unknown="not yours")
    assert ["revision", "unknown: not yours"] in [list(line) for line in machines.described(refused).lines]


def test_without_a_second_cell_or_a_second_engine_it_says_less():
    (much,) = told([make_record()])
    assert "full_matrix takes" in much
    assert told([make_timed_record(GRID[0], {"per_sample": 1.0})]) == [
        "No engine was timed beside another: there is no factor to tell."
    ]


@pytest.mark.parametrize(
    ("factor", "twin", "environment", "doubt"),
    [
        (4.0, 1.05, {}, ""),
        (1.05, 1.06, {}, "no difference was resolved, "),
        (0.95, 1.06, {}, "no difference was resolved, "),
        (0.9, 1.06, {}, ""),
        (4.0, 1.3, {}, "; this is uncertain, as two copies of one engine may differ by more than 25% there"),
        (4.0, 5.0, {}, "no difference was resolved, "),
        (4.0, 1.0, {"cores_shared": True}, "; this is uncertain, as another race ran on the same cores"),
        (4.0, 1.0, {"throttled": 3}, "; this is uncertain, as the process was throttled meanwhile"),
        (4.0, 1.0, {"throttled": 0, "quota": 2.0}, ""),
    ],
)
def test_the_answer_says_in_a_clause_where_it_is_not_to_be_relied_on(factor, twin, environment, doubt):
    record = make_timed_record(Cell((784, 30, 10), 10), {"per_sample": factor, "full_matrix": 1.0}, **environment)
    noise = msgspec.structs.replace(record.noise, seconds=[[twin] * 2] * 5)
    (much,) = told([msgspec.structs.replace(record, noise=noise)])
    before, _, after = much.partition(numbers.factor(factor) + " as fast (95 % interval ")
    assert before.endswith(f" takes {numbers.seconds(factor)}: " + (doubt if doubt[-1:] == " " else ""))
    assert after.partition(")")[2] == (doubt if doubt[:1] == ";" else "") + "."


def test_an_interval_that_is_wide_or_of_one_pass_leaves_the_answer_uncertain():
    record = make_timed_record(Cell((784, 30, 10), 10), {"per_sample": 4.0, "full_matrix": 1.0})
    slow, fast = record.contestants
    scattered = msgspec.structs.replace(slow, seconds=[[taken] * 2 for taken in (2.0, 6.0, 4.0, 3.0, 5.0)])
    (much,) = told([msgspec.structs.replace(record, contestants=[scattered, fast])])
    assert much.endswith("); this is uncertain, as the interval is wide.")
    once = [msgspec.structs.replace(one, seconds=one.seconds[:1]) for one in (slow, fast)]
    twin = msgspec.structs.replace(record.noise, seconds=record.noise.seconds[:1])
    (much,) = told([msgspec.structs.replace(record, contestants=once, noise=twin)])
    assert "no difference was resolved, 4.00x as fast (95 % interval none: one pass)" in much


def test_an_epoch_is_told_of_as_one_and_where_nothing_else_was_raced():
    epoch = make_timed_record(Cell((784, 30, 10), 10, data="mnist5k"), {"per_sample": 4.0, "mine.py": 1.0})
    step = make_timed_record(Cell((784, 100, 10), 10), {"per_sample": 3.0, "mine.py": 1.0})
    assert told([epoch, step])[0].startswith("At 784-100-10, batch 10")
    (much,) = told([epoch])
    assert "mine.py takes 1.00 s a step over an epoch of mnist5k where per_sample takes 4.00 s" in much


@pytest.mark.parametrize(
    ("twin", "doubt"),
    [
        (1.01, ""),
        (1.3, ", uncertain, as two copies of one engine may differ by more than 25% there)"),
        (9.0, ", no difference was resolved)"),
    ],
)
def test_the_largest_factor_has_its_interval_where_it_is_uncertain(twin, doubt):
    small, large = (
        make_timed_record(Cell((784, 30, 10), batch), {"per_sample": factor, "full_matrix": 1.0})
        for batch, factor in ((10, 2.0), (100, 6.0))
    )
    noise = msgspec.structs.replace(large.noise, seconds=[[twin] * 2] * 5)
    (_, elsewhere) = told([small, msgspec.structs.replace(large, noise=noise)])
    before, after = "Over 2 cells of this setting it is 2.00x to 6.00x as fast", ", 4.00x in the median."
    interval = " (the largest of 95 % interval 5.88-6.12x" if doubt else ""
    assert elsewhere == f"{before}{interval}{doubt}{after}"


def test_more_than_the_floors_speed_is_explained_where_it_happens():
    for floor, beyond in ((5.0, True), (2.5, False)):
        (_, *others) = told([make_ladder_record(floor=floor), make_ladder_record(100, floor=floor)])
        assert (f"% of the speed of the products alone ({answer.BEYOND})" in others[0]) is beyond


def test_how_sure_says_why_a_factor_is_not_the_quotient_of_two_times():
    assert "the quotient of two times is a little off their factor" in story.SURE


def test_cells_of_another_setting_are_not_counted_with_those_told_of():
    (_, elsewhere) = told([make_record(batch) for batch in (1, 10)] + [make_record(3, 9.0, dtype="float32")])
    assert elsewhere.startswith("Over 2 cells of this setting it is ")


@pytest.mark.parametrize(
    ("size", "told"), [(999, "999 B"), (1500, "1.50 kB"), (2.5e6, "2.50 MB"), (999.9e6, "1.00 GB")]
)
def test_sizes_in_words(size, told):
    assert numbers.size(size) == told


@pytest.mark.usefixtures("without_png")
def test_both_pages_have_every_section_and_number(tmp_path, grid):
    for record in [*grid, make_ladder_record()]:
        store.append(tmp_path, record)
    list(build.build(tmp_path))
    markdown, html = ((tmp_path / name).read_text() for name in ("report.md", "report.html"))
    within, only_html = re.findall("<summary>([^<]+)</summary>", html), {"Guess first", "Every cell and engine"}
    titles = [title for title in titles_of(markdown) if title not in within]
    assert len(within) == 1
    assert titles == [title for title in re.findall(r"<h2>(.*)</h2>", html) if title not in only_html]
    story = ["What was asked", "The answer", "Why", "From which batch size on", "What it costs in memory", "How sure"]
    assert titles[: len(story)] == story
    assert {"The cost model", "Every cell", "How to reproduce"} <= set(titles)
    for number in re.findall(r"\d+\.\d+", markdown.partition("<summary>Every cell")[0]):
        assert number in html
    assert set(re.findall(r"<img src=\"([^,]*),", html)) == {"data:image/svg+xml;base64"}
    names = r'xmlns(:xlink)?="[^"]*"|<!DOCTYPE svg[^>]*>'  # which ask for nothing
    assert "http" not in re.sub(names, "", with_pictures(html))


@pytest.mark.usefixtures("undrawn")
def test_an_epoch_beside_a_grid_leaves_no_word_of_the_program_s_own(tmp_path, grid):
    cell = msgspec.structs.replace(GRID[0], data="mnist5k")
    for record in [*grid, make_timed_record(cell, {"per_sample": 2.0, "full_matrix": 1.0})]:
        store.append(tmp_path, record)
    list(build.build(tmp_path))
    for name in ("report.md", "report.html"):
        page = (tmp_path / name).read_text()
        assert "fitted" in page
        assert not re.search(r"[>| ](nan|None|inf|NaT)[<| %]", page)


def test_of_one_race_without_a_floor_and_without_noise_nothing_more_is_said():
    record = msgspec.structs.replace(make_timed_record(GRID[0], {"per_sample": 2.0, "full_matrix": 1.0}), noise=None)
    rows = speedup_frame.frame([record])
    note = build.footnote([record], rows)
    assert note.endswith("\n2026-01-02")
    told = markdown.page("t", list(sections.tell([record], rows, [], [], note)), [])
    assert "Raced in 1 cell: sizes 784-10-10;" in told
    assert "How near to the floor" not in told
    assert "How near to the floor" in markdown.page(
        "t", list(sections.tell([make_ladder_record()], speedup_frame.frame([make_ladder_record()]), [], [], "")), []
    )


def test_each_picture_and_heading_of_the_story_names_its_machine():
    other = msgspec.structs.replace(ENVIRONMENT, host="abcdef")
    here = [make_ladder_record(batch) for batch in (1, 10)]
    stopped = Result("mine.py", left_out="too slow")
    there = [msgspec.structs.replace(one, environment=other, contestants=[*one.contestants, stopped]) for one in here]

    def told_of(found):
        """What stands by the pictures, the headings, where the guess is, and who was left out where."""
        models = cost_model.models(found)
        rows = speedup_frame.frame(found, models).assign(
            calls_share=0.5, passes_share=0.25, products_share=0.25, shares_are="measured"
        )
        drawn = dict(pictures.of_races(found, rows, "note"))["waterfall"]()
        blocks = [block for one in sections.tell(found, rows, models, [], "") for block in one.blocks]
        yield from (panel.setting for panel in pictures.of_the_story(found, rows).values())
        yield from (text.get_text() for text in drawn.axes[0].texts if "MFLOP" in text.get_text())
        yield from (
            one.words for one in blocks if isinstance(one, Text) and one.words.startswith(("784", "Of the", "At"))
        )
        yield from (block.data["setting"] for block in blocks if isinstance(block, Guess))
        yield from (
            line[0] for one in blocks if isinstance(one, Fold) and "Which" in one.summary for line in one.table.lines
        )

    alone, together = list(told_of(here)), list(told_of([*here, *there]))
    assert len(alone) >= 8
    assert not [words for words in alone if "machine" in words]
    unnamed = [words for words in together if "machine" not in words]
    assert not [words for words in unnamed if not words.startswith(("At 784-30-10, batch", "At batch"))]
    assert [words for words in together if "mine.py" not in words and "machine B" in words] == [
        "784-30-10-b1-float64-t1, machine B",
        "784-30-10-b10-float64-t1, machine B",
    ]


@pytest.mark.usefixtures("without_png")
def test_several_machines_are_never_mixed(tmp_path):
    other = msgspec.structs.replace(ENVIRONMENT, host="abcdef")
    for batch in (1, 10):
        record = make_record(batch)
        store.append(tmp_path, record)
        store.append(tmp_path, msgspec.structs.replace(make_record(batch, speedup=8.0), environment=other))
    printed = [part for part in build.build(tmp_path) if isinstance(part, str)]
    assert printed[0].startswith("A: Test CPU, 2 cores; ")
    assert " | B: Test CPU, 2 cores (host abcdef); " in printed[0]
    assert [line for line in printed if line.startswith("machine")] == ["machine A", "machine B"]
    drawn = ET.parse(tmp_path / "speedup-heatmap.svg")
    text = " ".join(element.text or "" for element in drawn.iter() if element.tag.endswith("text"))
    assert "machine A: 784 inputs" in text
    assert "machine B: 784 inputs" in text
    assert re.search(r"full_matrix is (4.0\d|3.9\d)x to", text)
    assert re.search(r"full_matrix is (8.0\d|7.9\d)x to", text)
    markdown = (tmp_path / "report.md").read_text()
    assert "| 784-30-10-b1-float64-t1, machine A |" in markdown
    assert "| 784-30-10-b1-float64-t1, machine B |" in markdown
    assert "| host | abcdef |" in markdown
    (answers,) = re.findall(r"## The answer\n(.*?)\n## ", markdown, re.DOTALL)
    first, second = answers.split("**Machine B**")
    assert re.search(r"(4\.0\d|3\.9\d)x as fast", first)
    assert re.search(r"(8\.0\d|7\.9\d)x as fast", second)
    assert re.search(r"Over 2 cells of this setting it is (7\.9\d|8\.0\d)x to", second)
    assert re.search(r"<summary>The ladder, at 784-30-10-b10-float64-t1, machine [AB]<", markdown)
    rows = speedup_frame.frame(store.load(tmp_path)[0])
    assert rows["machine"].nunique() == 2


@pytest.mark.usefixtures("without_png")
def test_the_last_of_two_races_in_a_cell_is_shown(tmp_path):
    for speedup in (2.0, 6.0):
        store.append(tmp_path, make_record(speedup=speedup))
    list(build.build(tmp_path))
    drawn = (tmp_path / "speedup-heatmap.svg").read_text()
    assert re.search(r"(5\.9\d|6\.0\d)x", drawn)
    assert not re.search(r"(1\.9\d|2\.0\d)x as fast", drawn)


@pytest.mark.usefixtures("undrawn")
def test_more_panels_than_fit_give_the_engines_told_of_pictures_of_one_setting(tmp_path):
    engines = {name: LADDER[name] for name in ("per_sample", "full_matrix", "in_place", "fused")}
    for dtype, threads in product(("float64", "float32"), (1, 2, 3, 4, 5)):
        store.append(tmp_path, make_ladder_record(dtype=dtype, threads=threads, engines=engines))
    list(build.build(tmp_path))
    assert not list(tmp_path.glob("speedup-heatmap-*"))
    html = (tmp_path / "report.html").read_text()
    assert "On this page" in html
    assert "784 inputs, one hidden layer, 10 outputs; float64; BLAS threads: 1</figcaption>" in html
    assert "float32; BLAS threads: 2</figcaption>" not in html
    assert "784-30-10-b10-float32-t2" in html
    told = (tmp_path / "report.md").read_text()
    assert re.findall(r"!\[Speedup in each cell\]\((.*)\)", told) == ["speedup-heatmap.png"]
    grid = grid_of(speedup_frame.frame(store.load(tmp_path)[0]))
    drawn = selection.of_engines(store.load(tmp_path)[0], grid)
    assert list(dict.fromkeys(drawn["engine"])) == ["full_matrix", "fused"], "the challenger, and the fastest"


def test_markup_stays_text_in_both_pages():
    bad = "<b>|{{ x }}"
    section = Section(bad, [Text(bad), Listing([bad]), Table([bad], [[bad]]), Code(bad)])
    asked = {
        "slow": bad,
        "fast": bad,
        "setting": bad,
        "what": bad,
        "networks": [{"value": bad, "name": bad}],
        "batches": [1],
        "octaves": [-3, 3],
    }
    page = html.page(bad, [section, Section("Guess", [Guess(asked)])], {})
    assert "<b>" not in page
    assert page.count("&lt;b&gt;|{{ x }}") == 9 + 6
    (data,) = re.findall('<script type="application/json" id="guess-data">(.*?)</script>', page)
    assert json.loads(data) == asked
    assert r"| &lt;b&gt;\|{{ x }} |" in markdown.page("title", [section], [])


def test_a_number_is_sorted_by_its_value_in_as_many_digits_as_any_processor_comes_to():
    table = Table(["a"], [[Number.of("1.5 us", 1.5000000000000002e-6)], ["none"]], left=(), sortable=True)
    page = html.page("t", [Section("s", [table])], {})
    assert '<td class="number" data-value="1.5e-06">1.5 us</td>' in page
    assert '<td class="number">none</td>' in page


def test_pictures_in_one_page_share_no_id(grid):
    shots = pictures.shots(grid, speedup_frame.frame(grid, cost_model.models(grid)), [], [])
    made = html.page("t", [Section("s", [Picture(stem, "") for stem in shots])], shots)
    assert not re.search(r"<svg|url\(", made), "each is a document of its own"
    drawn = re.findall("<svg.*?</svg>", with_pictures(made), re.DOTALL)
    assert len(drawn) > len(panels.KINDS)
    for svg in drawn:
        ids = re.findall(r' id="([^"]+)"', svg)
        own = set(ids)
        assert len(ids) == len(own) > 10
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
        assert used <= own
        assert used


def test_an_engines_name_is_no_mathematics():
    record = make_timed_record(Cell((4, 3, 2), 5), {"per_sample": 2.0, "a$b$_{c.py": 1.0})
    for found in panels.by_stem(grid_of(speedup_frame.frame([record]))).values():
        for panel in found:
            save.encode(panels.small(panel), "svg")
    (shown,) = told([record])
    assert "a$b$_{c.py takes" in shown


def test_noise_names_the_worst_cell(grid):
    text = markdown.page("t", list(sections.tell(grid, speedup_frame.frame(grid), [], [], "note")), [])
    assert "Here it was 0.0% in the median of 12 cells and 0.0% in the worst, 784-10-10-b1-float64-t1." in text
