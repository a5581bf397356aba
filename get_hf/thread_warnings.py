# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Collects the warnings of one thread, because the page of `get-hf demo` serves each visitor in a thread of its own.

Python collects warnings for the whole process: `warnings.catch_warnings` in two threads at once loses warnings, and
may leave the filters changed. With a lock around it, one slow file would delay all other visitors.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Collector:
    """Collector of warnings that keeps those of each thread separate."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._takers: dict[int, list[tuple[type[Warning], list[str]]]] = {}

    @contextmanager
    def taken(self, category: type[Warning]) -> Iterator[list[str]]:
        """See `warnings_taken`."""
        notes: list[str] = []
        thread = threading.get_ident()
        with self._lock:
            if not self._takers:
                self._catching = warnings.catch_warnings()
                self._catching.__enter__()
                if warnings.showwarning != self._take:  # another thread's `catch_warnings` may have put it back
                    self._elsewhere: Any = warnings.showwarning
                    warnings.showwarning = self._take  # type: ignore[assignment]
            warnings.simplefilter("always", category)
            self._takers.setdefault(thread, []).append((category, notes))
        try:
            yield notes
        finally:
            with self._lock:
                self._takers[thread].pop()
                if not self._takers[thread]:
                    del self._takers[thread]
                if not self._takers:
                    self._catching.__exit__(None, None, None)

    def _take(self, message: Warning, category: type[Warning], *where: Any) -> None:
        for wanted, notes in reversed(self._takers.get(threading.get_ident(), [])):
            if category is wanted:
                notes.append(str(message))
                return
        self._elsewhere(message, category, *where)


_collector = _Collector()


def warnings_taken(category: type[Warning] = UserWarning) -> Any:
    """Context that collects the warnings of a category in this thread, as a list of their texts.

    Warnings of other threads, and of other categories, are shown as usual. Contexts may lie inside one another: the
    innermost one takes a warning.
    """
    return _collector.taken(category)
