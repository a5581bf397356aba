# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Measures how fast a training is, for each line of its log.

A figure covers the steps since the last line. Evaluation and the saving of checkpoints do not count. The figures of
several processes are estimated from the first one.
"""

import time
from collections.abc import Callable, Mapping

import torch
from transformers import TrainerCallback


class Throughput(TrainerCallback):
    """Counts tokens, seconds of EEG, and the time in which the training waits for its data.

    Args:
        n_parameters: Number of parameters of the model.
        sampling_rate: Sampling rate of the model, in Hz.
        patch_size: Number of samples in a patch.
        world_size: Number of processes.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self,
        n_parameters: int,
        sampling_rate: float,
        patch_size: int,
        world_size: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._n_parameters, self._world_size, self._clock = n_parameters, world_size, clock
        self._patch_size, self._sampling_rate = patch_size, sampling_rate
        self._tokens = 0
        self._eeg_seconds = self._waiting = self._working = 0.0
        #: When the last step, or what followed it, ended. None before the first step.
        self._ended: float | None = None
        self._began = 0.0

    def count(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Counts the tokens of a batch: the patches of all real channels."""
        n_patches = batch["input_values"].shape[-1] // self._patch_size
        self._tokens += int(batch["channel_mask"].sum()) * n_patches
        self._eeg_seconds += len(batch["input_values"]) * n_patches * self._patch_size / self._sampling_rate

    def on_step_begin(self, args, state, control, **kwargs):
        """The data of a step have arrived."""
        self._began = self._clock()
        if self._ended is not None:
            self._waiting += self._began - self._ended

    def on_step_end(self, args, state, control, **kwargs):
        """A step has ended, and the training waits for the data of the next one."""
        self._ended = self._clock()
        self._working += self._ended - self._began

    def on_log(self, args, state, control, **kwargs):
        """Logging has ended; so have evaluation and saving in `on_evaluate` and `on_save`."""
        self._ended = self._clock()

    on_evaluate = on_save = on_log

    def figures(self) -> dict[str, float]:
        """Returns the figures since the last call, and starts from zero.

        Returns:
            - `tokens_per_second`: tokens, each of which is a patch of one channel.
            - `eeg_hours_per_second`: hours of recordings. All channels of a recording count once.
            - `loading_share`: share of the time in which the training waited for its data.
            - `model_tflops`: 10^12 floating-point operations per second, estimated as 6 per parameter and token
              (Kaplan et al. 2020, section 2.1). Divided by the peak of the hardware, it is the model FLOP use.
        """
        seconds = self._waiting + self._working
        tokens, eeg_seconds, waiting = self._tokens, self._eeg_seconds, self._waiting
        self._tokens = 0
        self._eeg_seconds = self._waiting = self._working = 0.0
        if not seconds:
            return {}
        per_second = self._world_size / seconds
        return {
            "tokens_per_second": round(tokens * per_second, 1),
            "eeg_hours_per_second": round(eeg_seconds / 3600 * per_second, 5),
            "loading_share": round(waiting / seconds, 4),
            "model_tflops": round(6e-12 * self._n_parameters * tokens * per_second, 5),
        }
