# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Lets a listener hear a source until it ends, and computes forecasts meanwhile."""

import math
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from get_hf.live.hearing import Source
from get_hf.live.judging import N_DRAWS, Forecast
from get_hf.live.listener import EVERY_SECONDS, Finding, Listener

#: Seconds after which it is checked whether to stop.
WAIT = 0.2


class Heard(NamedTuple):
    """What has come since the last time.

    Attributes:
        samples: `(channels, n)` in microvolts; n may be 0.
        is_new: Whether an interruption lies before the first of them.
        findings: What the listener says now.
    """

    samples: np.ndarray
    is_new: bool
    findings: list[Finding]


def hear(
    source: Source, listener: Listener, is_stopped: Callable[[], bool], seconds: float | None = None
) -> Iterator[Heard]:
    """Lets a listener hear a source.

    Args:
        source: What is heard.
        listener: Who hears it.
        is_stopped: Whether to end.
        seconds: Seconds to hear. None: until the source ends.

    Yields:
        What has come, several times a second, also where nothing has come. The last one has the findings of patches
        that waited for later samples.

    Raises:
        ValueError: The first part of the stream cannot be a reference.
    """
    n_most = math.inf if seconds is None else round(seconds * listener.sampling_rate)
    nothing = np.zeros((len(listener.ch_names), 0))
    while not is_stopped() and listener.n_samples < n_most:
        try:
            block = source.read(WAIT)
        except EOFError:
            break
        if block is None:
            yield Heard(nothing, False, [])
            continue
        if block.note:
            listener.tell(block.note)
        findings = listener.finish() if block.is_new else []
        n = int(min(block.samples.shape[-1], n_most - listener.n_samples))
        findings += listener.push(block.samples[:, :n], block.times[:n])
        yield Heard(block.samples[:, :n], block.is_new, findings)
    yield Heard(nothing, False, listener.finish())


class Forecasts:
    """Computes one forecast after another in a thread, so that listening does not wait for them.

    Args:
        listener: Who hears what is to be continued.
        seconds: Length of a forecast.
        take: Function that is called with each forecast, in that thread.
        n_draws: Number of continuations.
        every_seconds: Fewest seconds of the stream from one forecast to the next.
    """

    def __init__(
        self,
        listener: Listener,
        seconds: float,
        take: Callable[[Forecast], None],
        n_draws: int = N_DRAWS,
        every_seconds: float = EVERY_SECONDS,
    ):
        self._listener, self._take, self._options = listener, take, (seconds, n_draws)
        self._every = every_seconds
        self._thread: threading.Thread | None = None
        self._last = -math.inf

    def begin(self) -> None:
        """Begins the next forecast, if the last one is complete, and old enough."""
        if (self._thread is not None and self._thread.is_alive()) or self._listener.seconds < self._last + self._every:
            return
        compute = self._listener.forecast(*self._options)
        if compute is not None:
            self._last = self._listener.seconds
            self._thread = threading.Thread(target=self._work, args=(compute,), daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Waits for the forecast that is being computed: Python cannot end while PyTorch computes in a thread."""
        if self._thread is not None:
            self._thread.join()

    def _work(self, compute: Callable[[], Forecast | None]) -> None:
        forecast = compute()
        if forecast is not None:
            self._take(forecast)
