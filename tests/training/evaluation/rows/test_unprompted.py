# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from get_hf.training.evaluation.recordings import Signal
from get_hf.training.evaluation.rows.unprompted import cut_unprompted

CHANNELS = ["Fz", "Cz", "Pz", "Oz"]
RATE = 100.0
ALPHA = butter(2, (9, 11), "bandpass", fs=RATE, output="sos")


def scales(rng: np.random.Generator, deviation: float = 0.4) -> np.ndarray:
    """How loud each of 12 people is, with this deviation of the logarithm."""
    return np.exp(deviation * rng.permutation(np.linspace(-1.6, 1.6, 12)))


def eeg(rng: np.random.Generator, scale: float, closed: bool, seconds: float) -> np.ndarray:
    """Of a person as loud as `scale`; alpha at the back is three times as large with closed eyes."""
    noise = rng.standard_normal((2, 4, round(seconds * RATE)))
    alpha = sosfilt(ALPHA, noise[0] + noise[0, :1])
    return scale * (5 * noise[1] + 20 * (3 if closed else 1) * np.array([0.2, 0.3, 1.0, 1.0])[:, None] * alpha)


@pytest.fixture(scope="module")
def signals() -> list[Signal]:
    """A minute with open and with closed eyes, of 12 people."""
    rng = np.random.default_rng(0)
    return [
        Signal(eeg(rng, scale, closed, 61), f"S{number:03d}", "eyes_closed" if closed else "eyes_open")
        for number, scale in enumerate(scales(rng))
        for closed in (False, True)
    ]


@pytest.fixture(scope="module")
def part(signals):
    return cut_unprompted(signals, CHANNELS)


def made(part, deviation: float = 0.4, contrast: bool = True, growth: float = 1.0) -> np.ndarray:
    """Other people, who differ by `deviation` in the logarithm of how loud they are."""
    rng = np.random.default_rng(1)
    loudness = scales(rng, deviation)
    return np.stack([
        eeg(rng, loudness[person], contrast and condition == "eyes_closed", 60) * np.linspace(1, growth, 6000)
        for person, condition in zip(part.people, part.conditions, strict=True)
    ])  # fmt: skip


def values(rows: dict) -> dict[str, float]:
    assert {row["group"] for row in rows.values()} == {"from nothing"}
    assert all(name.endswith(", from nothing") for name in rows)
    return {name.removesuffix(", from nothing"): row["value"] for name, row in rows.items()}


def test_a_person_has_one_number_in_every_condition(part, signals):
    assert part.people.tolist() == np.repeat(np.arange(12), 2).tolist()
    assert part.conditions == ["eyes_open", "eyes_closed"] * 12
    assert part.n_times == 6000
    assert part.segments.prompt.shape == (24, 4, 0)
    np.testing.assert_array_equal(part.segments.continuation[0], signals[0].x[:, 100:2500])
    assert cut_unprompted([signal._replace(x=signal.x[:, :4000]) for signal in signals], CHANNELS) is None


def test_other_people_of_the_same_kind_pass(part):
    found = values(part.rows(made(part), n_bootstrap=20))
    assert found["differences between people in log PSD, over real"] == pytest.approx(1, abs=0.25)
    assert found["RMS over real, mean of logarithms"] == pytest.approx(1, abs=0.25)
    assert found["alpha eyes closed / open"] == pytest.approx(1, abs=0.1)
    assert found["RMS, last over first 24 s"] == pytest.approx(1, abs=0.05)
    assert found["log PSD, eyes closed"] < 2
    assert found["coherence 8-13 Hz, ensemble"] < 0.1
    floor = values(part.rows(None))
    assert floor["log PSD, eyes open"] < 0.5
    assert set(floor) == set(found)


def test_each_way_to_be_wrong_has_its_row(part):
    average = values(part.rows(made(part, deviation=0.0)))
    assert average["differences between people in log PSD, over real"] < 0.5
    deaf = values(part.rows(made(part, contrast=False)))
    assert deaf["alpha eyes closed / open"] < 0.2
    assert deaf["log PSD, eyes closed"] > 1
    louder = values(part.rows(1.5 * made(part)))
    assert louder["RMS over real, mean of logarithms"] == pytest.approx(1.5, abs=0.15)
    assert louder["log PSD, eyes open"] > 3
    growing = values(part.rows(made(part, growth=3.0)))
    assert growing["RMS, last over first 24 s"] > 1.5
    noise = np.random.default_rng(0).standard_normal((24, 4, 6000))
    assert values(part.rows(noise))["covariance, ensemble"] > 2 * average["covariance, ensemble"]
    assert values(part.rows(noise))["RMS over real, mean of logarithms"] < 0.3


def test_rows_from_nothing_have_no_goal_relative_to_the_floor(part):
    goals = {name: row["goal"] for name, row in part.rows(made(part)).items()}
    assert not [goal for goal in goals.values() if goal and "floor" in goal[0]]
    assert goals["alpha eyes closed / open, from nothing"] == ("between", 0.9, 1.1)
