# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Generates EEG in a thread, a little ahead of the clock."""

import queue
import threading
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers.generation import StoppingCriteria, StoppingCriteriaList

from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.features_get import EEGFeatures

#: Number of decoded patches that wait to be sent. More of them survive longer stalls, but a change of the condition
#: arrives later.
N_AHEAD = 2
#: Number of patches that are generated without a limit: 79 years. `generate` needs a number.
WITHOUT_END = 10**10


class Patch(NamedTuple):
    """A patch of generated EEG.

    Attributes:
        signal: Signal `(channels, times)` in microvolts.
        condition: Name of its condition.
    """

    signal: np.ndarray
    condition: str


class LiveSource:
    """Generates EEG of one head without end, in a thread.

    Args:
        model: The model.
        extractor: Its feature extractor.
        features: Features of one recording, or for generation from nothing.
        sampling_rate: Sampling rate of the patches in Hz. None: that of the recording.
        n_patches: Number of patches to generate. None: without end.
        options: Options of `generate`.
    """

    def __init__(
        self,
        model: GETModel,
        extractor: GETFeatureExtractor,
        features: EEGFeatures,
        sampling_rate: float | None = None,
        n_patches: int | None = None,
        **options: Any,
    ):
        self._model, self._features, self._options = model, features, options
        self._stream = extractor.streamer(features, self._hand_on, sampling_rate)
        self._n_patches = n_patches
        self._ready: queue.Queue[Patch | BaseException | None] = queue.Queue(N_AHEAD)
        self._stopped = threading.Event()
        self._has_ended = False
        self._thread = threading.Thread(target=self._generate, name="get-hf source", daemon=True)

    def start(self) -> None:
        """Begins to generate."""
        self._thread.start()

    def change(self, next_condition: Any) -> None:
        """Changes the condition; see `GETStream.change`."""
        self._stream.change(next_condition)

    def take(self, timeout: float) -> Patch | None:
        """Waits for the next patch, and returns it; None if there is none within `timeout` seconds.

        Raises:
            EOFError: The generation has ended.
        """
        if self._has_ended:
            raise EOFError
        try:
            taken = self._ready.get(timeout=max(0.0, timeout)) if timeout > 0 else self._ready.get_nowait()
        except queue.Empty:
            return None
        if isinstance(taken, Patch):
            return taken
        self._has_ended = True
        raise EOFError if taken is None else taken

    def stop(self) -> None:
        """Ends the generation, and waits until the present patch is complete."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _generate(self) -> None:
        stopping = StoppingCriteriaList([_WhenStopped(self._stopped)])
        end: BaseException | None = None
        try:
            self._model.generate(
                **self._features.to(self._model.device),
                max_new_tokens=self._n_patches or WITHOUT_END,
                streamer=self._stream,
                keep_sequence=False,
                stopping_criteria=stopping,
                **self._options,
            )
        except BaseException as error:  # the thread that takes the patches raises it
            end = error
        self._put(end)

    def _hand_on(self, signals: list[np.ndarray]) -> None:
        (condition,) = self._stream.conditions_of(self._stream.n_patches - 1)
        self._put(Patch(signals[0], condition))

    def _put(self, item: Patch | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                return self._ready.put(item, timeout=0.1)
            except queue.Full:
                continue


class _WhenStopped(StoppingCriteria):
    """Criterion that stops a generation when nobody takes its patches."""

    def __init__(self, stopped: threading.Event):
        self._stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_) -> torch.Tensor:
        """Returns for each row whether to stop."""
        return torch.full((len(input_ids),), self._stopped.is_set(), dtype=torch.bool)
