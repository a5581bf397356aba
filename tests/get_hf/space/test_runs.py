# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Runs of several visitors: whose turn it is, and what ends one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from get_hf.space.runs import Run, Runs


def test_a_cancelled_run_shows_nothing_more():
    run = Run()
    shown = run.shown(iter("abc"), last="nothing")
    assert next(shown) == "a"
    with ThreadPoolExecutor(1) as pool:
        cancelled = pool.submit(run.cancel)
        while not run.cancelled:
            pass
        assert not cancelled.done()  # "a" is still on its way
        assert list(shown) == ["nothing"]
        cancelled.result(timeout=5)


def test_a_finished_result_stays():
    assert list(Run().shown(iter("abc"), last="nothing")) == ["a", "b", "c"]


def test_a_stopped_run_goes_on_to_show_what_it_has():
    runs = Runs(1, 1)
    with runs.begin("tab") as run:
        runs.stop("tab")
        runs.stop("another tab")
        assert run.ended
        assert list(run.shown(iter("ab"), last="nothing")) == ["a", "b"]


def test_a_new_run_of_a_tab_begins_when_the_earlier_one_is_over():
    runs, order = Runs(2, 2), []

    def second():
        with runs.begin("tab"):
            order.append("second")

    with runs.begin("tab") as first, runs.begin("another tab") as other:
        thread = threading.Thread(target=second)
        thread.start()
        while not first.cancelled:
            pass
        order.append("first is over")
        first.close()
        thread.join(timeout=5)
    assert order == ["first is over", "second"]
    assert not other.ended


def test_a_waiting_user_sees_the_length_of_the_queue():
    runs = Runs(at_once=1, waiting=2)
    with runs.begin("a") as a, runs.begin("b") as b, runs.begin("c") as c:
        assert list(runs.turn(a)) == []
        assert next(waits_b := runs.turn(b)) == 1
        assert next(waits_c := runs.turn(c)) == 2
        with runs.begin("d") as d, pytest.raises(ValueError, match="2 others are waiting already"):
            next(runs.turn(d))
        runs.stop("b")
        assert list(waits_b) == []  # and has not had its turn
    with runs.begin("e") as e:  # all are gone
        assert list(runs.turn(e)) == []
        with runs.begin("f") as f:
            waits_f = runs.turn(f)
            assert next(waits_f) == 1
            runs._line.remove(e)
            assert list(waits_f) == []
    assert waits_c is not None
