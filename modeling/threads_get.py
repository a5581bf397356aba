# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How many CPU threads a generation loop works with.

A step of the loop is hundreds of small products. Threads share each of them, and wait for the slowest by spinning.
On an idle machine two threads are a little faster than one. Beside another busy process the slowest thread is one that
the system has put to sleep, so that two threads can be a hundred times slower than one. No setting suits both, and the
load changes while a long recording is generated. So the number is chosen by a short measurement, which is repeated.
"""

import time
from types import TracebackType

import torch

#: Seconds between two measurements: they then take less than a hundredth of the time.
INTERVAL = 2.0
#: Products that a measurement times, and the rows of each, about as many as there are channels.
N_PRODUCTS, N_ROWS = 12, 32


class MeasuredThreads:
    """Within its context, `update` keeps torch at one thread or at the caller's number, whichever is faster now.

    The numbers that are generated do not depend on it. The caller's setting is restored at the end.

    Args:
        device: Where the model is: on other devices than the CPU nothing is changed.
        width: Width of the model, which gives the size of the products that are timed.
    """

    def __init__(self, device: torch.device, width: int):
        self.callers = torch.get_num_threads()
        self.is_active = device.type == "cpu" and self.callers > 1
        self.width = width
        self.next_time = 0.0

    def __enter__(self) -> "MeasuredThreads":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_active:
            torch.set_num_threads(self.callers)

    def update(self) -> None:
        """Measures again if the last measurement is old."""
        if not self.is_active or time.perf_counter() < self.next_time:
            return
        torch.set_num_threads(1)
        seconds_of_one = self._time(float("inf"))
        torch.set_num_threads(self.callers)
        if self._time(seconds_of_one) > seconds_of_one:
            torch.set_num_threads(1)
        self.next_time = time.perf_counter() + INTERVAL

    def _time(self, limit: float) -> float:
        """Seconds that products like those of the model take; stops soon after `limit`."""
        x, weights = torch.ones(N_ROWS, self.width), torch.ones(self.width, 3 * self.width)
        torch.mm(x, weights)  # wakes the threads
        begin = time.perf_counter()
        for _ in range(N_PRODUCTS):
            torch.mm(x, weights)
            if time.perf_counter() - begin > limit:
                break
        return time.perf_counter() - begin
