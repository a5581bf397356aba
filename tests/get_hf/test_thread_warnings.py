# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Each thread collects its own warnings."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from get_hf.thread_warnings import warnings_taken


def test_threads_do_not_take_each_others_warnings():
    together = threading.Barrier(2)

    def work(name):
        with warnings_taken() as notes:
            together.wait(10)
            for _ in range(3):
                warnings.warn(name, stacklevel=1)
            together.wait(10)
        return notes

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, "ab")) == [["a"] * 3, ["b"] * 3]


def test_contexts_lie_inside_one_another_and_other_categories_pass(recwarn):
    with warnings_taken() as outer:
        with warnings_taken(RuntimeWarning) as inner:
            warnings.warn("division", RuntimeWarning, stacklevel=1)
            warnings.warn("user", stacklevel=1)
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        with warnings_taken() as nearest:
            warnings.warn("near", stacklevel=1)
        warnings.warn("far", stacklevel=1)
    assert (inner, nearest, outer) == (["division"], ["near"], ["user", "far"])
    warnings.warn("as usual", stacklevel=1)
    assert [str(each.message) for each in recwarn] == ["old", "as usual"]


def test_a_library_that_puts_the_collector_back_does_no_harm(monkeypatch):
    """`catch_warnings` of another thread, begun inside a context and ended after it, restores what it found."""
    with warnings_taken():
        found = warnings.showwarning
    monkeypatch.setattr(warnings, "showwarning", found)
    with warnings_taken() as notes:
        warnings.warn("mine", stacklevel=1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(warnings.warn, "of another", stacklevel=1).result(timeout=10)
    assert notes == ["mine"]
