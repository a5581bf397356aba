# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Who generates at the moment and who waits; how a run is stopped, which keeps what was made, or cancelled."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds after which a waiting run looks whether it was ended.
_GLANCE = 0.2
#: Seconds that the page may take to send what a run has shown; more, and it is gone.
_SENDING = 5.0


class Run:
    """One generation in one tab.

    Attributes:
        stopped: The user pressed Stop: what was made so far is kept.
        cancelled: The user chose something else or left: nothing of this run may be shown any more.
    """

    def __init__(self):
        self.stopped = self.cancelled = False
        self.over = threading.Event()
        self._showing = threading.Lock()
        self._sent = threading.Event()
        self._sent.set()

    @property
    def ended(self) -> bool:
        """Whether it should make nothing more."""
        return self.stopped or self.cancelled

    def shown(self, updates: Iterator[Any], last: Any) -> Iterator[Any]:
        """Passes on what a run shows, until it is cancelled; then `last`.

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
        """Ends the run; what it has shown is on its way before this returns, and can be taken away."""
        with self._showing:
            self.cancelled = True
        self._sent.wait(_SENDING)

    def close(self) -> None:
        """Says that nothing comes any more."""
        self._sent.set()
        self.over.set()


class Runs:
    """All runs of a page: one in each tab, so many at once, in the order in which they were asked for.

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
        """Makes a run known as that of its tab; an earlier one of the same tab is cancelled, and over."""
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
        """Waits until it is a run's turn, or the run is ended.

        Yields:
            How many must end before, whenever that changes.

        Raises:
            ValueError: Too many wait already.
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
        """Ends what a tab generates, and keeps what was made; without a run nothing happens."""
        if run := self._tabs.get(tab):
            run.stopped = True

    def cancel(self, tab: str) -> None:
        """Ends what a tab generates, and shows nothing of it; without a run nothing happens."""
        if run := self._tabs.get(tab):
            run.cancel()
