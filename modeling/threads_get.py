# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Number of CPU threads that a generation loop uses.

A step of the loop is hundreds of small products. Threads share each product, and the fast threads spin until the
slowest is ready. On an idle machine two threads are a little faster than one. Beside another busy process the system
pauses one of them, and two threads can be many times slower than one. No setting suits both cases, and the load
changes while a long recording is generated. So the loop times its steps with one thread and, now and then, with the
caller's number, and keeps the faster.
"""

import time
from types import TracebackType

import torch

#: Largest share of the time that trials of the slower number of threads may cost.
TRIALS = 0.02
#: Smallest number of steps between two trials.
SHORTEST_INTERVAL = 16
#: Weight of the last step in the mean time of steps.
NEWEST = 0.2


class MeasuredThreads:
    """Within its context, `update` keeps torch at one thread or at the caller's number, whichever is faster now.

    The generated values do not depend on it. The caller's setting is restored at the end.

    Args:
        device: Device of the model; on other devices than the CPU nothing is changed.
    """

    def __init__(self, device: torch.device):
        self.callers = torch.get_num_threads()
        self.is_active = device.type == "cpu" and self.callers > 1
        self.seconds: dict[int, float] = {}
        self.n_steps, self.began = 0, 0.0
        self.is_trial, self.until_trial = False, SHORTEST_INTERVAL

    def __enter__(self) -> "MeasuredThreads":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_active:
            torch.set_num_threads(self.callers)

    def update(self) -> None:
        """Sets the number of threads of the step that begins, from the durations of the steps before it."""
        if not self.is_active:
            return
        now = time.perf_counter()
        if self.n_steps > 1:  # the first one reads the prompt
            self._learn(torch.get_num_threads(), now - self.began)
        self.n_steps, self.began = self.n_steps + 1, now
        torch.set_num_threads(self._next())

    def _learn(self, n_threads: int, seconds: float) -> None:
        """Includes a step in the mean time of its number of threads."""
        if n_threads not in self.seconds or self.is_trial:
            # the load may have been different in steps long ago
            self.seconds[n_threads] = seconds
            fast, slow = min(self.seconds.values()), max(self.seconds.values())
            self.until_trial = max(SHORTEST_INTERVAL, round((slow - fast) / fast / TRIALS))
        else:
            self.seconds[n_threads] += NEWEST * (seconds - self.seconds[n_threads])

    def _next(self) -> int:
        """Number of threads of the next step."""
        self.is_trial = False
        for n_threads in (1, self.callers):
            if n_threads not in self.seconds:
                return n_threads
        self.until_trial -= 1
        self.is_trial = self.until_trial <= 0
        fastest = min(self.seconds, key=self.seconds.__getitem__)
        return 1 + self.callers - fastest if self.is_trial else fastest
