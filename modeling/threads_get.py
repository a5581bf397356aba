# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Chooses the number of CPU threads of a generation loop.

A step of the loop computes hundreds of small matrix products. The threads share each product, and the fast threads
wait actively for the slowest thread. On an idle machine, two threads are a little faster than one thread. If another
process is busy, the system pauses one of the two threads, and two threads can be many times slower than one. No number
suits both cases, and the load can change while a long recording is generated. So the loop measures the duration of its
steps with one thread and with the caller's number of threads, and uses the faster number. From time to time, it tries
the other number again.
"""

import time
from types import TracebackType

import torch

#: Largest share of the time that may be lost in trials of the slower number of threads.
TRIALS = 0.02
#: Smallest number of steps between two trials.
SHORTEST_INTERVAL = 16
#: Weight of the last step in the mean time of steps.
NEWEST = 0.2


class MeasuredThreads:
    """Context in which `update` sets the number of threads of torch to one or to the caller's number, if it is faster.

    The generated values do not depend on the number of threads. At the end, the caller's number is restored.

    Args:
        device: Device of the model. If it is not the CPU, the number of threads is not changed.
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
        """Sets the number of threads for the step that begins now, based on the durations of earlier steps."""
        if not self.is_active:
            return
        now = time.perf_counter()
        if self.n_steps > 1:  # the first one reads the prompt
            self._learn(torch.get_num_threads(), now - self.began)
        self.n_steps, self.began = self.n_steps + 1, now
        torch.set_num_threads(self._next())

    def _learn(self, n_threads: int, seconds: float) -> None:
        """Updates the mean duration of steps with `n_threads` threads by the duration of one step."""
        if n_threads not in self.seconds or self.is_trial:
            # the load may have been different in steps long ago
            self.seconds[n_threads] = seconds
            fast, slow = min(self.seconds.values()), max(self.seconds.values())
            self.until_trial = max(SHORTEST_INTERVAL, round((slow - fast) / fast / TRIALS))
        else:
            self.seconds[n_threads] += NEWEST * (seconds - self.seconds[n_threads])

    def _next(self) -> int:
        """Returns the number of threads for the next step."""
        self.is_trial = False
        for n_threads in (1, self.callers):
            if n_threads not in self.seconds:
                return n_threads
        self.until_trial -= 1
        self.is_trial = self.until_trial <= 0
        fastest = min(self.seconds, key=self.seconds.__getitem__)
        return 1 + self.callers - fastest if self.is_trial else fastest
