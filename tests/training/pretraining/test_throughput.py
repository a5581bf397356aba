# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The speed in the log of a training."""

import pytest
import torch

from get_hf.training.pretraining.throughput import Throughput

BATCH = {
    "input_values": torch.zeros(4, 3, 200),  # 8 patches of 25 samples
    "channel_mask": torch.tensor([[1, 1, 1], [1, 1, 1], [1, 0, 0], [1, 1, 0]]),
}


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throughput(clock):
    return Throughput(n_parameters=1_000_000, sampling_rate=100, patch_size=25, world_size=2, clock=clock)


def step(throughput, clock, waiting, working):
    clock.now += waiting
    throughput.on_step_begin(None, None, None)
    throughput.count(BATCH)
    clock.now += working
    throughput.on_step_end(None, None, None)


def test_the_figures_are_those_of_the_steps_since_the_last_line(throughput, clock):
    step(throughput, clock, waiting=50.0, working=2.0)  # nobody knows when the first one began to wait
    step(throughput, clock, waiting=1.0, working=2.0)
    figures = throughput.figures()
    tokens = 2 * 2 * 9 * 8  # processes, steps, channels, patches
    assert figures["tokens_per_second"] == pytest.approx(tokens / 5, abs=0.1)
    assert figures["eeg_hours_per_second"] == pytest.approx(2 * 2 * 4 * 2.0 / 3600 / 5, abs=1e-5)
    assert figures["loading_share"] == pytest.approx(1 / 5)
    assert figures["model_tflops"] == pytest.approx(6e6 * tokens / 5 / 1e12, abs=1e-5)
    assert throughput.figures() == {}
    step(throughput, clock, waiting=0.0, working=4.0)
    assert throughput.figures()["tokens_per_second"] == pytest.approx(2 * 9 * 8 / 4, abs=0.1)


@pytest.mark.parametrize("event", ["on_log", "on_evaluate", "on_save"])
def test_evaluation_and_saving_do_not_count(throughput, clock, event):
    step(throughput, clock, waiting=0.0, working=2.0)
    clock.now += 1000.0
    getattr(throughput, event)(None, None, None)
    step(throughput, clock, waiting=1.0, working=2.0)
    assert throughput.figures()["loading_share"] == pytest.approx(1 / 5)
