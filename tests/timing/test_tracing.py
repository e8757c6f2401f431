"""Tracers and profilers see nothing of what is timed, and go on as before; the record names them."""

import cProfile
import pstats
import signal
import sys
import threading
import tracemalloc
from contextlib import contextmanager

import pytest
from stand_ins import Clock, made, race_here

from backprop import InputError, load
from bench.cells import datasets
from bench.cells.cell import Cell
from bench.timing import tracing
from bench.timing.tracing import Paused
from bench.timing.training import train

FullMatrix = load("full_matrix")


class Spy:
    """A tracer or profiler that takes note of the functions whose beginning and end it sees."""

    def __init__(self):
        self.seen = []

    def __call__(self, frame, event, _):
        if event in ("call", "return"):
            self.seen.append((event, frame.f_code.co_name))
        return self


@contextmanager
def watched_by(spy, put, get):
    before = get()
    put(spy)
    try:
        yield
        assert get() is spy
    finally:
        put(before)


HOOKS = {"tracer": (sys.settrace, sys.gettrace), "profiler": (sys.setprofile, sys.getprofile)}


def step():
    return sys.gettrace(), sys.getprofile()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_pause_is_not_seen_and_calls_and_returns_stay_in_step(hook):
    def work():
        with pytest.raises(KeyError), Paused():
            assert step() == (None, None)
            raise KeyError
        step()

    spy = Spy()
    with watched_by(spy, *HOOKS[hook]):
        work()
    seen = spy.seen[spy.seen.index(("call", "work")) : spy.seen.index(("return", "work"))]
    assert seen.count(("call", "step")) == seen.count(("return", "step")) == 1
    assert [event for event, _ in seen].count("call") == [event for event, _ in seen].count("return") + 1


class Traced(FullMatrix):
    """An engine that notes who watches its steps, and those of a thread of its own."""

    hooks = []
    threads = []

    def __init__(self, network):
        super().__init__(network)
        thread = threading.Thread(target=lambda: Traced.threads.append(step()))
        thread.start()
        thread.join()

    def step(self, x, y, eta):
        Traced.hooks.append(step())
        super().step(x, y, eta)


@pytest.mark.parametrize("hook", HOOKS)
def test_slices_first_steps_and_threads_are_not_watched_and_the_record_names_who_would_have(hook):
    Traced.hooks, Traced.threads = [], []
    spy, own = Spy(), getattr(threading, "settrace" if hook == "tracer" else "setprofile")
    own(spy)
    try:
        with watched_by(spy, *HOOKS[hook]):
            record = race_here(Cell((4, 3, 2), 2), [made("a", Traced)], seconds=0.05)
        assert getattr(threading, "gettrace" if hook == "tracer" else "getprofile")() is spy
    finally:
        own(None)
    assert record.environment.paused == [f"{Spy.__module__}.Spy"]
    steps = sum(len(rounds) for rounds in record.contestants[0].seconds) * record.contestants[0].steps_per_slice
    assert steps <= Traced.hooks.count((None, None))  # the rest are those of the checks
    assert Traced.hooks[:2] == [(None, None)] * 2
    assert set(Traced.threads) == {(None, None)}


def test_epochs_are_not_watched():
    Traced.hooks = []
    spy = Spy()
    with watched_by(spy, *HOOKS["tracer"]):
        list(train([made("a", Traced)], Cell((64, 5, 10), 100, data="digits"), datasets.read("digits"), eta=1.0,
                   epochs=1, seed=0, clock=Clock()))  # fmt: skip
    assert Traced.hooks[-15:] == [(None, None)] * 15  # 1,437 samples in hundreds


def test_nothing_is_named_where_nothing_watches():
    with watched_by(None, *HOOKS["tracer"]), watched_by(None, *HOOKS["profiler"]), tracing.kept_out():
        assert tracing.present() == []


def test_cprofile_goes_on_after_a_pause():
    profile = cProfile.Profile()
    profile.enable()
    try:
        named = tracing.present()
        with Paused():
            step()
        step()
    finally:
        profile.disable()
    calls = {name: calls for (_, _, name), (calls, *_) in pstats.Stats(profile).stats.items()}
    assert calls["step"] == 1
    assert len(named) == 1
    assert "cProfile" in named[0]


def test_tracemalloc_and_timers_are_stopped_for_the_race_and_on_again_after_it():
    tracemalloc.start(3)
    signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
    try:
        with tracing.kept_out():
            assert not tracemalloc.is_tracing()
            assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
            assert {"tracemalloc", "a timer, ITIMER_VIRTUAL"} <= set(tracing.present())
        assert tracemalloc.get_traceback_limit() == 3
        assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 900
        assert "tracemalloc" not in tracing.present()
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def test_a_profiler_that_cannot_be_paused_is_refused_by_name(monkeypatch):
    class State:
        pass

    monkeypatch.setattr(sys, "getprofile", State)
    with pytest.raises(InputError, match=r"State can't be paused .* run without it"), tracing.kept_out():
        pass


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no sys.monitoring")
def test_the_tools_of_sys_monitoring_are_paused_their_events_for_single_functions_too():
    monitoring, seen = sys.monitoring, []
    monitoring.use_tool_id(3, "mine")
    try:
        for event in (monitoring.events.PY_START, monitoring.events.LINE):
            monitoring.register_callback(3, event, lambda code, _, event=event: seen.append((event, code.co_name)))
        monitoring.set_events(3, monitoring.events.PY_START)
        monitoring.set_local_events(3, step.__code__, monitoring.events.LINE)
        assert "sys.monitoring: mine" in tracing.present()
        with Paused():
            step()
        assert "step" not in [name for _, name in seen]
        step()
        assert {event for event, name in seen if name == "step"} == {monitoring.events.PY_START, monitoring.events.LINE}
    finally:
        monitoring.free_tool_id(3)
