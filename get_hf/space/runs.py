# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Manages the queue of runs. The result of a stopped run is kept, and the result of a cancelled run is not kept."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Interval in seconds at which a waiting run checks whether it was ended.
_GLANCE = 0.2
#: Longest time in seconds for sending an update. After it, the page is regarded as closed.
_SENDING = 5.0


class Run:
    """Run of one generation in one tab.

    Attributes:
        stopped: Whether the visitor pressed Stop. The result so far is kept.
        cancelled: Whether the visitor chose something else, or left. No more results of this run may be shown.
    """

    def __init__(self):
        self.stopped = self.cancelled = False
        self.over = threading.Event()
        self._showing = threading.Lock()
        self._sent = threading.Event()
        self._sent.set()

    @property
    def ended(self) -> bool:
        """Whether the run should stop generating."""
        return self.stopped or self.cancelled

    def shown(self, updates: Iterator[Any], last: Any) -> Iterator[Any]:
        """Passes on the updates of a run until the run is cancelled, and then yields `last`.

        When a generator ends, Gradio sends its last update a second time. So the last update must be `last`, which
        removes results.
        """
        for update in updates:
            with self._showing:
                if self.cancelled:
                    break
                self._sent.clear()
            yield update
            self._sent.set()  # Gradio asks for the next update after it has sent this one
        if self.cancelled:
            yield last

    def cancel(self) -> None:
        """Cancels the run, and waits until its last update has been sent, so that results can be removed."""
        with self._showing:
            self.cancelled = True
        self._sent.wait(_SENDING)

    def close(self) -> None:
        """Marks the run as over."""
        self._sent.set()
        self.over.set()


class Runs:
    """Queue of all runs of a page, with one run in each tab, in the order in which they were started.

    Args:
        at_once: Largest number of runs that generate at the same time.
        waiting: Largest number of runs that wait.
    """

    def __init__(self, at_once: int, waiting: int):
        self.at_once, self.waiting = at_once, waiting
        self._tabs: dict[str, Run] = {}
        self._line: list[Run] = []
        self._changed = threading.Condition()

    @contextmanager
    def begin(self, tab: str) -> Iterator[Run]:
        """Context of a new run of a tab; an earlier run of the same tab is cancelled first."""
        run = Run()
        with self._changed:
            earlier, self._tabs[tab] = self._tabs.get(tab), run
        try:
            if earlier is not None:
                earlier.cancel()
                while not earlier.over.wait(_GLANCE) and not run.ended:
                    pass
            yield run
        finally:
            run.close()
            with self._changed:
                if self._tabs.get(tab) is run:
                    del self._tabs[tab]
                if run in self._line:
                    self._line.remove(run)
                self._changed.notify_all()

    def turn(self, run: Run) -> Iterator[int]:
        """Waits until a run may generate, or until it is ended.

        Yields:
            Number of other runs that must end first, each time this number changes.

        Raises:
            ValueError: Too many runs are already waiting.
        """
        with self._changed:
            if len(self._line) >= self.at_once + self.waiting:
                raise ValueError(f"{self.waiting} others are waiting already: try again in a few minutes.")
            self._line.append(run)
        said = 0
        while not run.ended:
            with self._changed:
                before = self._line.index(run) - self.at_once + 1
                if before <= 0:
                    return
                if before == said:
                    self._changed.wait(_GLANCE)
                    continue
            said = before
            yield before

    def stop(self, tab: str) -> None:
        """Stops the run of a tab, if there is one, and keeps its result so far."""
        if run := self._tabs.get(tab):
            run.stopped = True

    def cancel(self, tab: str) -> None:
        """Cancels the run of a tab, if there is one, so that no more of its results are shown."""
        if run := self._tabs.get(tab):
            run.cancel()
