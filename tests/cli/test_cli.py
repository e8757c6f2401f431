"""The command line as a person meets it: its help, the engines there are, a report built again."""

import pytest

from bench.records import store


def test_engines_lists_what_can_be_raced(call):
    status, out, _ = call("engines")
    assert status == 0
    for line in ("full_matrix Changes from per_sample", "per_sample", "the path of a .py file"):
        assert line in " ".join(out.split())


@pytest.mark.usefixtures("undrawn")
def test_report_rebuilds_a_folder_and_warns_of_a_cut_off_line(call, tmp_path, record):
    store.append(tmp_path, record())
    with (tmp_path / store.FILE).open("ab") as file:
        file.write(b'{"schema": 1, "cel')
    status, out, _ = call("report", tmp_path)
    assert status == 0
    assert "line 2, was cut off" in " ".join(out.split())
    assert (tmp_path / "speedup.csv").exists()


def test_help_is_printed_when_nothing_is_asked(call):
    status, out, err = call()
    assert status == 2
    assert "Usage" in out
    assert err == ""
    assert call("--help")[0] == 0
