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


def test_what_is_generated_does_not_depend_on_it(two_threads, monkeypatch):
    model, made = tiny_model(), []
    for seconds_of_two in (0.0, 1.0):  # two threads seem fast, then slow
        monkeypatch.setattr(MeasuredThreads, "_time", lambda self, limit, s=seconds_of_two: min(limit, 0.5 + s))
        made.append(model.generate(**tiny_inputs(), seconds=2, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(made[0], made[1], rtol=0, atol=0)


@pytest.mark.parametrize(("seconds_of_one", "seconds_of_two", "chosen"), [(1.0, 0.6, 2), (1.0, 1.7, 1)])
def test_the_faster_number_is_chosen_and_measured_again_later(
    two_threads, monkeypatch, seconds_of_one, seconds_of_two, chosen
):
    measured = []

    def took(self, limit):
        measured.append(torch.get_num_threads())
        return {1: seconds_of_one, 2: seconds_of_two}[torch.get_num_threads()]

    monkeypatch.setattr(MeasuredThreads, "_time", took)
    with MeasuredThreads(torch.device("cpu"), 32) as threads:
        threads.update()
        threads.update()  # too soon
        assert measured == [1, 2]
        assert torch.get_num_threads() == chosen
        threads.next_time = 0.0
        threads.update()
        assert measured == [1, 2, 1, 2]


def test_one_thread_is_left_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with MeasuredThreads(torch.device("cpu"), 32) as threads:
        threads.update()
        assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_a_measurement_takes_little_of_the_time(two_threads):
    with MeasuredThreads(torch.device("cpu"), 160) as threads:
        assert threads._time(float("inf")) < 0.2 * threads_get.INTERVAL
