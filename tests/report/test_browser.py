"""report.html as a browser has it: no errors, no requests, tables that sort, nothing that runs over the edge.

Needs Chromium (or Chrome) and its driver, as a distribution's packages have them; skipped where there are none.
"""

import json

import pytest
from browsing import opened
from examples import make_ladder_record, make_record
from shown import leave_out_png

from bench.records import store
from bench.report import build

OVER_THE_EDGE = """
const width = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")]
  .filter(element => !element.parentElement.closest(".scroll"))
  .filter(element => element.getBoundingClientRect().right > width + 1)
  .map(element => element.outerHTML.slice(0, 100));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report with all that one can hold: peers, an engine that failed, two machines, a name of markup."""
    folder = tmp_path_factory.mktemp("browsed")
    for batch in (1, 10, 100):
        for hidden in ("10", "30", "1000-1000"):
            store.append(folder, make_ladder_record(batch, hidden))
    store.append(folder, make_record(failed="</script><b id='injected'>{{ 7 * 7 }}"))
    with pytest.MonkeyPatch.context() as patch:
        leave_out_png(patch)  # the page has the SVG of each
        list(build.build(folder))
    return folder / "report.html"


def test_it_asks_the_network_for_nothing_and_logs_nothing(browser, page):
    opened(browser, page)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert browser.title.startswith("How much faster")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_over_the_edge(browser, page, width):
    opened(browser, page, width)
    browser.find_element("css selector", "#guess button").click()
    browser.execute_script("for (const folded of document.querySelectorAll('details')) folded.open = true")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(OVER_THE_EDGE) == []


def test_a_table_wider_than_the_screen_has_a_shadow_at_its_edge_that_scrolling_takes_away(browser, page):
    opened(browser, page, 390)
    table = browser.find_element("css selector", "#why div.scroll:last-of-type")
    assert browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", table)
    assert table.value_of_css_property("background-attachment") == "local, local, scroll, scroll"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_parts_have_the_colours_of_the_pictures(browser, page, scheme):
    opened(browser, page, scheme=scheme)
    browser.find_element("css selector", "#guess button").click()
    filters = browser.execute_script(
        "return ['#why figure img', '.guess .bar b', '.guess .parts i']"
        ".flatMap(which => [...document.querySelectorAll(which)].map(one => getComputedStyle(one).filter))"
    )
    assert len(filters) > 10
    assert len(set(filters)) == 1
    assert (filters[0] == "none") == (scheme == "light")


def test_printed_the_answer_and_its_picture_are_on_the_first_page(browser, page):
    opened(browser, page, width=739)  # of a letter, in pixels, within the margins; it is 979 high there
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        end = browser.execute_script("return document.querySelector('#the-answer').getBoundingClientRect().bottom")
        sizes = browser.execute_script(
            "return ['#the-answer p', '#the-answer figcaption', '#what-was-asked p.small'].map("
            "which => parseFloat(getComputedStyle(document.querySelector(which)).fontSize))"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert 0 < end < 979
    assert sizes[0] == max(sizes), "notes are no larger than the text"


def column(browser, number):
    cells = browser.find_elements("css selector", f"table.sortable tbody td:nth-child({number})")
    return [float(cell.get_attribute("data-value") or "nan") for cell in cells]


def unfold(browser, anchor):
    """Open the details that this section is in."""
    browser.execute_script("document.getElementById(arguments[0]).closest('details').open = true", anchor)


def test_a_click_on_a_heading_sorts_and_another_turns_it_round(browser, page):
    opened(browser, page)
    unfold(browser, "every-cell-and-engine")
    headings = browser.find_elements("css selector", "table.sortable th button")
    number = [heading.text for heading in headings].index("a step") + 1
    before = column(browser, number)
    headings[number - 1].click()
    assert column(browser, number) == sorted(before) != before
    headings[number - 1].click()
    assert column(browser, number) == sorted(before, reverse=True)
    assert headings[number - 1].find_element("xpath", "..").get_attribute("aria-sort") == "descending"


def test_empty_fields_stay_last_and_text_sorts_as_one_reads_it(browser, page):
    opened(browser, page)
    unfold(browser, "every-cell-and-engine")
    headings = {heading.text: heading for heading in browser.find_elements("css selector", "table.sortable th button")}
    number = list(headings).index("memory") + 1
    for _ in range(2):
        headings["memory"].click()
        known = [value == value for value in column(browser, number)]  # the peers' is not known
        assert known == sorted(known, reverse=True)
        assert not all(known)
    headings["cell"].click()
    cells = [cell.text for cell in browser.find_elements("css selector", "table.sortable tbody td:first-child")]
    assert cells.index("784-30-10-b1-float64-t1") < cells.index("784-1000-1000-10-b1-float64-t1")


def test_text_from_records_is_text(browser, page):
    opened(browser, page)
    assert browser.find_elements("id", "injected") == []
    browser.find_element("css selector", "#left-out summary").click()
    assert "wrong </script><b id='injected'>{{ 7 * 7 }}" in browser.find_element("id", "left-out").text


def test_dark_is_dark(browser, page):
    papers = []
    for scheme in ("light", "dark"):
        opened(browser, page, scheme=scheme)
        papers.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert papers[0] == "rgb(255, 255, 255)"
    assert max(map(int, papers[1][4:-1].split(","))) < 50


def test_what_is_folded_opens_where_a_link_leads_into_it(browser, page):
    opened(browser, page)
    section = browser.find_element("id", "every-cell")
    assert not section.is_displayed()
    browser.get(f"{page.as_uri()}#every-cell")
    assert browser.find_element("id", "every-cell").is_displayed()
