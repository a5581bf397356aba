# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Which runs generate and which wait; a stopped run keeps its result, and a cancelled one does not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds after which a waiting run checks whether it was ended.
_GLANCE = 0.2
#: Seconds that the page may take to send an update; a page that takes longer is gone.
_SENDING = 5.0


class Run:
    """One generation in one tab.

    Attributes:
        stopped: The visitor pressed Stop. The result so far is kept.
        cancelled: The visitor chose something else, or left. Nothing of this run may be shown any more.
    """

    def __init__(self):
        self.stopped = self.cancelled = False
        self.over = threading.Event()
        self._showing = threading.Lock()
        self._sent = threading.Event()
        self._sent.set()

    @property
    def ended(self) -> bool:
        """Whether it should generate nothing more."""
        return self.stopped or self.cancelled

    def shown(self, updates: Iterator[Any], last: Any) -> Iterator[Any]:
        """Passes on the updates of a run until it is cancelled; then `last`.

        Gradio sends the last update a second time when a generator ends: hence `last`, which takes results away.
        """
        for update in updates:
            with self._showing:
                if self.cancelled:
                    break
                self._sent.clear()
            yield update
            self._sent.set()  # whoever asks for the next update has sent this one
        if self.cancelled:
            yield last

    def cancel(self) -> None:
        """Ends the run; when this returns, its updates have been sent, and can be removed."""
        with self._showing:
            self.cancelled = True
        self._sent.wait(_SENDING)

    def close(self) -> None:
        """Says that the run is over."""
        self._sent.set()
        self.over.set()


class Runs:
    """All runs of a page, one in each tab, in the order in which they were started.

    Args:
        at_once: Runs that may generate at the same time.
        waiting: Runs that may wait for these.
    """

    def __init__(self, at_once: int, waiting: int):
        self.at_once, self.waiting = at_once, waiting
        self._tabs: dict[str, Run] = {}
        self._line: list[Run] = []
        self._changed = threading.Condition()

    @contextmanager
    def begin(self, tab: str) -> Iterator[Run]:
        """Starts the run of a tab, after the earlier run of the same tab was cancelled and is over."""
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
        """Waits until a run has its turn, or is ended.

        Yields:
            How many other runs must end first, whenever this number changes.

        Raises:
            ValueError: Too many runs wait already.
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
        """Ends the run of a tab, and keeps its result so far; without a run nothing happens."""
        if run := self._tabs.get(tab):
            run.stopped = True

    def cancel(self, tab: str) -> None:
        """Ends the run of a tab, and shows nothing of it any more; without a run nothing happens."""
        if run := self._tabs.get(tab):
            run.cancel()
