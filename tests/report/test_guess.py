"""The control of report.html in a browser: choose, guess, and only then the factor of the record, with its parts."""

import json
import re
from math import log2

import msgspec
import pytest
from browsing import opened
from examples import LADDER, make_ladder_record
from shown import leave_out_png

from bench.analysis import cost_model, ladder, speedup_frame
from bench.records import store
from bench.report import build, guess, numbers

BATCHES, WIDTHS = (1, 10, 100), ("10", "30", "300")


def of_grid():
    """The ladder over a grid, the wider the slower."""
    for batch in BATCHES:
        for width in WIDTHS:
            scale = int(width) ** 0.5
            engines = {
                "per_sample": (40.0 * scale, None),
                "full_matrix": (scale * (4.0 + 30.0 / batch), "per_sample"),
            }
            yield make_ladder_record(batch, width, engines=engines)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guessed")
    for record in of_grid():
        store.append(folder, record)
    with pytest.MonkeyPatch.context() as patch:
        leave_out_png(patch)
        list(build.build(folder))
    return folder / "report.html"


def choose(browser, name, value):
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("id", f"guess-{name}")).select_by_value(value)


def answer(browser):
    return [shown.text for shown in browser.find_elements("id", "guess-answer")]


def factor_of(batch, width):
    (record,) = [one for one in of_grid() if one.cell.batch == batch and one.cell.sizes[1] == int(width)]
    return ladder.between(record, "per_sample", "full_matrix")


def test_the_factor_of_the_record_is_shown_after_the_guess_and_hidden_by_another_choice(browser, page):
    opened(browser, page)
    button = browser.find_element("css selector", "#guess button")
    for batch, width in ((100, "30"), (1, "300")):
        choose(browser, "network", f"784-{width}-10")
        choose(browser, "batch", str(batch))
        assert answer(browser) == []
        button.click()
        true = factor_of(batch, width)
        (told,) = answer(browser)
        assert told.startswith(numbers.factor(true.value))
        assert numbers.interval(true.low, true.high) in told
    shown = browser.find_element("id", "guess-shown").text
    assert re.search(r"per_sample: \d+ us\nparts fitted", shown)
    assert all(re.search(rf"{part} [\d.]+ [nmu]s, \d+ %", shown) for part in ("calls", "passes", "products"))


def test_a_keyboard_is_enough_and_says_how_far_off_the_guess_was(browser, page):
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    choose(browser, "batch", "100")
    slider = browser.find_element("id", "guess-factor")
    slider.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 80)  # from 1/8 up by four octaves
    assert browser.find_element("id", "guess-told").text == "2.0x"
    assert slider.get_attribute("aria-valuetext") == "2.0 times as fast"
    slider.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    off = factor_of(100, "30").value / 2
    assert f"You guessed 2.0x: {off:.1f} times too low." in browser.find_element("id", "guess-shown").text
    slider.send_keys(Keys.ARROW_RIGHT)
    assert answer(browser) == [], "a guess after the answer is none"


def test_a_guess_that_is_nearly_right_is_off_by_percents_and_another_by_times(browser, page):
    opened(browser, page)
    choose(browser, "batch", "100")
    factor = factor_of(100, "30").value
    for octaves, far in ((0.1, "7 % too high"), (-0.1, "7 % too low"), (-4.0, "16 times too low")):
        script = (
            "const slider = document.getElementById('guess-factor'); slider.step = 'any'; slider.value = arguments[0];"
        )
        browser.execute_script(script, log2(factor) + octaves)
        browser.find_element("css selector", "#guess button").click()
        assert f": {far}." in browser.find_element("id", "guess-shown").text


def test_it_can_be_touched_and_every_field_has_a_label(browser, page):
    opened(browser, page, 360)
    for field in browser.find_elements("css selector", "#guess :is(select, input, button)"):
        assert field.size["height"] >= 44
        assert field.accessible_name
    button = browser.find_element("css selector", "#guess button")
    button.click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


def test_on_paper_and_without_a_script_the_tables_tell_it(browser, page):
    def shown(name):
        return [found.is_displayed() for found in browser.find_elements("id", name)]

    opened(browser, page)
    assert shown("guess-first") == [True]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown("guess-first") == [False]
    assert shown("why") == [True]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page.as_uri())
    hidden = browser.find_element("id", "guess-first").get_attribute("hidden")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert hidden
    assert numbers.factor(factor_of(100, "30").value) in browser.find_element("id", "why").text


def test_networks_that_differ_in_more_than_their_width_are_named_in_full():
    found = list(of_grid())
    names = [network["name"] for network in control(found).data["networks"]]
    assert names == list(WIDTHS)
    other = make_ladder_record(10, "30-30")
    names = [network["name"] for network in control([*found, other]).data["networks"]]
    assert names == [*(f"784-{width}-10" for width in WIDTHS), "784-30-30-10"]


@pytest.mark.parametrize(
    ("batches", "preset"), [((1, 3, 10, 30, 100), 30), ((1, 3, 10), 3), ((1, 10, 100), 100), ((1, 10), 1), ((10,), 10)]
)
def test_what_is_chosen_at_first_is_no_factor_that_the_page_tells_in_words_if_there_is_another(batches, preset):
    found = [make_ladder_record(batch) for batch in batches]
    found[batches.index(10)] = make_ladder_record(10, engines={**LADDER, "another": (9.0, None)})  # told of
    assert control(found).data["at"] == {"network": "784-30-10", "batch": preset}


def test_its_numbers_have_as_many_digits_as_any_processor_comes_to():
    data = json.dumps(control(list(of_grid())).data)
    numbers_in = re.findall(r"(?<=: )\d+\.[\de.-]+", data)
    assert len(numbers_in) > 50
    assert all(float(number) == float(f"{float(number):.6g}") for number in numbers_in)


def test_networks_stand_in_order_of_their_width():
    found = [make_ladder_record(10, width) for width in ("300", "30", "100")]
    assert [network["name"] for network in control(found).data["networks"]] == ["30", "100", "300"]


def test_an_epoch_beside_the_models_is_not_what_is_asked_of():
    epoch = make_ladder_record(engines={"per_sample": (40.0, None), "mine.py": (4.0, None)}, data="mnist5k")
    step = make_ladder_record(width="100", engines={"per_sample": (40.0, None), "mine.py": (8.0, None)})
    data = control([epoch, step]).data
    assert data["at"] == {"network": "784-100-10", "batch": 10}
    assert [(race["network"], race["batch"]) for race in data["races"]] == [("784-100-10", 10)]


def test_only_races_like_the_one_told_of_can_be_chosen():
    found = [make_ladder_record(), make_ladder_record(100, threads=2), make_ladder_record(1, dtype="float32")]
    left_out = msgspec.structs.replace(found[0], cell=msgspec.structs.replace(found[0].cell, data="mnist5k"))
    assert [race["batch"] for race in control([*found, left_out]).data["races"]] == [10]
    assert control([make_ladder_record(engines={"per_sample": (40.0, None)})]) is None


def test_an_interval_without_an_end_is_still_json():
    record = make_ladder_record()
    once = [msgspec.structs.replace(result, seconds=result.seconds[:1]) for result in record.contestants]
    asked = control([msgspec.structs.replace(record, contestants=once, floor=None, noise=None)])
    (race,) = asked.data["races"]
    assert (race["low"], race["high"]) == (0.0, None)
    json.dumps(asked.data, allow_nan=False)


def control(found):
    return guess.control(found, speedup_frame.frame(found, cost_model.models(found)))
