# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from get_hf.modeling import threads_get
from get_hf.modeling.threads_get import MeasuredThreads
from tiny import tiny_inputs, tiny_model


@pytest.fixture
def two_threads():
    """The caller's setting, as on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_callers_setting_is_restored(two_threads):
    tiny_model().generate(**tiny_inputs(), seconds=1)
    assert torch.get_num_threads() == 2


def test_it_is_restored_after_an_error(two_threads):
    def fail(*_, **__):
        assert torch.get_num_threads() in (1, 2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tiny_model().generate(**tiny_inputs(), seconds=1, stopping_criteria=[fail])
    assert torch.get_num_threads() == 2


class Clock:
    """A machine on which a step takes so many seconds with each number of threads."""

    def __init__(self, monkeypatch, seconds: dict[int, float]):
        self.seconds, self.now, self.used = seconds, 0.0, []
        monkeypatch.setattr(threads_get.time, "perf_counter", lambda: self.now)

    def run(self, threads: MeasuredThreads, n_steps: int) -> list[int]:
        """Threads of each step."""
        used = []
        for _ in range(n_steps):
            threads.update()
            used.append(torch.get_num_threads())
            self.now += self.seconds[used[-1]]
        return used


@pytest.mark.parametrize(("seconds", "fastest"), [({1: 1.0, 2: 0.7}, 2), ({1: 1.0, 2: 90.0}, 1)])
def test_the_faster_number_is_kept_and_the_other_seldom_tried(two_threads, monkeypatch, seconds, fastest):
    with MeasuredThreads(torch.device("cpu")) as threads:
        used = Clock(monkeypatch, seconds).run(threads, 1000)
    assert used[:3] == [1, 1, 2]  # the prompt, then one step with each
    assert used.count(fastest) > 900
    assert sum(seconds[n] for n in used[3:]) < 1.05 * seconds[fastest] * 997


def test_a_process_that_begins_or_ends_beside_it_is_noticed(two_threads, monkeypatch):
    clock = Clock(monkeypatch, {1: 1.0, 2: 0.7})
    with MeasuredThreads(torch.device("cpu")) as threads:
        clock.run(threads, 100)
        clock.seconds = {1: 1.0, 2: 5.0}
        assert clock.run(threads, 100)[10:].count(2) <= 2
        clock.seconds = {1: 1.0, 2: 0.7}
        assert clock.run(threads, 600)[-50:].count(2) >= 45


def test_output_does_not_depend_on_the_number_of_threads(two_threads, monkeypatch):
    model, made = tiny_model(), []
    for n_threads in (1, 2):
        monkeypatch.setattr(MeasuredThreads, "_next", lambda self, n=n_threads: n)
        made.append(model.generate(**tiny_inputs(), seconds=2, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(made[0], made[1], rtol=0, atol=0)


def test_one_thread_is_left_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with MeasuredThreads(torch.device("cpu")) as threads:
        threads.update()
        assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
