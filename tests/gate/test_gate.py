"""What becomes of an engine before and beside its verdict: wrong, new, not to be had, left out, unknown."""

import numpy as np
import pytest
from judging import FULL, LOOP, Machine, judge, standings, verdicts

from backprop import InputError
from bench.gate.one_pass import Rounds
from bench.gate.run import parse_share
from bench.gate.track import pass_ratios


def test_an_engine_made_wrong_is_not_timed_and_the_others_are(repository):
    repository.edit(FULL, "eta * grad_b", "2 * eta * grad_b")
    repository.change(LOOP)
    record = judge(budget=1.0)
    assert standings(record) == {"full_matrix": "wrong"}
    assert "the gradient of biases[1] is off by" in record.standings[0].why
    assert {found.engine for found in record.findings} == {"per_sample"}
    assert record.red


@pytest.mark.parametrize("broken", ["class FullMatrix(", "import no_such_package"])
def test_an_engine_that_no_longer_loads_is_wrong(repository, broken):
    repository.edit(FULL, "import numpy as np", broken)
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "wrong", "per_sample": "unchanged"}
    assert record.red


def test_an_engine_that_never_could_be_loaded_here_is_not_available(repository):
    repository.edit(FULL, "import numpy as np", "import no_such_package")
    repository.commit()
    record = judge(Machine())
    assert standings(record)["full_matrix"] == "unavailable"
    assert "no_such_package" in record.standings[0].why
    assert not record.red
    with pytest.raises(InputError, match="no_such_package"):
        judge(Machine(), engines=["full_matrix"])


def test_an_engine_that_compiles_for_seconds_is_raced_only_by_its_name(repository):
    repository.edit(FULL, "    def __init__", "    compiles = True\n\n    def __init__")
    machine = Machine()
    assert standings(judge(machine, everything=True))["full_matrix"] == "left out"
    assert {job.engine for job in machine.jobs} == {"per_sample"}
    asked = judge(Machine(), engines=["full_matrix"])
    assert {found.engine for found in asked.findings} == {"full_matrix"}


def test_an_engine_that_goes_wrong_on_the_way_is_taken_off(repository):
    class Breaks(Machine):
        def rounds(self, engine, cell):
            if len(self.jobs) > 8 and engine == "full_matrix":
                return Rounds(failed={"change": "ValueError: no"})
            return super().rounds(engine, cell)

    record = judge(Breaks(), everything=True)
    assert standings(record) == {"full_matrix": "wrong"}
    assert set(verdicts(record)) == {("per_sample", 2), ("per_sample", 5)}


def test_what_was_wrong_before_the_change_is_new(repository):
    right = repository.engine("full_matrix").read_text()
    repository.edit(FULL, "eta * grad_b", "2 * eta * grad_b")
    repository.commit()
    repository.engine("full_matrix").write_text(right)
    record = judge(budget=1.0)
    assert standings(record)["full_matrix"] == "new"
    assert "HEAD had it wrong" in record.standings[0].why
    assert not record.red


@pytest.mark.parametrize("bad", ["fullmatrix", ""])
def test_an_unknown_engine_is_refused(repository, bad):
    with pytest.raises(InputError, match=r"unknown engine .* there are full_matrix, per_sample"):
        judge(Machine(), engines=["full_matrix", bad])


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mine.py", r"^engine file mine\.py does not exist$"),
        ("sub/mine.py", r"^engine file sub/mine\.py does not exist$"),
        ("full_matrix@HEAD~1", "the gate takes engines without a revision, that is what --against names"),
        ("package.module:Class", "there is no module package.module, installed or in .*: install it, or name its file"),
        ("mine:", "must be package.module:Class, such as"),
    ],
)
def test_what_is_no_engine_is_refused_with_what_would_be(repository, address, message):
    with pytest.raises(InputError, match=message):
        judge(Machine(), engines=[address])


def test_shares():
    assert parse_share("2%") == parse_share("0.02") == parse_share("2.0%") == 0.02
    for text in ("0%", "-1%", "2", "100%", "x", "", "nan", "inf%"):
        with pytest.raises(InputError, match=r"such as 2% or 0\.02"):
            parse_share(text)


def test_identical_code_gives_no_ratio_whatever_the_noise_of_one_arm():
    seconds = {"change": [2.0, 2.0, 9.0], "base": [1.0, 1.0, 1.0], "twin": [1.0, 7.0, 1.0]}
    slowdown, identical = pass_ratios(seconds)
    assert slowdown == pytest.approx(np.log(2))
    assert identical == 0
