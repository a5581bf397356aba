# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The benchmark of the virtual amplifier, on signals whose truth is known; the stream itself has its own tests."""

import numpy as np
import pytest

pytest.importorskip("mne_lsl.lsl")
SECONDS, SWITCHES = 120.0, 6


@pytest.fixture(scope="module")
def received(live):
    """A stream whose alpha is three times as strong from 1.5 s after each command to close the eyes."""
    n = round(SECONDS * live.RATE)
    times = 1000.0 + np.arange(n) / live.RATE
    period = SECONDS / (2 * SWITCHES)
    commands = [(1000.0 + (k + 0.5) * period, (live.CLOSED, live.OPEN)[k % 2]) for k in range(2 * SWITCHES)]
    amplitude = np.ones(n)
    for now, text in commands:
        amplitude[times >= now + 1.5] = 3.0 if text == live.CLOSED else 1.0
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((len(live.CHANNELS), n)) + 10 * amplitude * np.sin(2 * np.pi * 10 * times)
    markers = [(now + 1.5, text) for now, text in commands]
    return live.Received(SECONDS, signal, times, times + 0.01, commands, markers, "")


def test_half_of_the_change_is_there_when_alpha_changes(live, received):
    found = live.half_change(*live.followed(received, live.CLOSED))
    assert found["change in dB"] == pytest.approx(20 * np.log10(3), abs=0.3)
    # half of the change in decibels is reached a little before the middle of the smoothed step
    assert found["seconds to half"] == pytest.approx(1.5, abs=0.25)
    assert live.half_change(*live.followed(received, live.OPEN))["change in dB"] == pytest.approx(-9.5, abs=0.3)


def test_lost_samples_and_lateness_are_counted(live, received):
    found = live.timing(received)
    assert found["samples lost or doubled"] == 0
    assert found["worst lateness over a patch"] == pytest.approx(0.04)
    kept = np.r_[:10_000, 10_003 : len(received.stamps)]
    arrivals = received.arrivals[kept].copy()
    arrivals[20_000] += 0.115
    broken = live.Received(
        SECONDS, received.signal[:, kept], received.stamps[kept], arrivals, received.commands, received.markers, ""
    )
    found = live.timing(broken)
    assert found["samples lost or doubled"] == 3
    assert found["worst lateness over a patch"] == pytest.approx(0.5)


def test_the_picture_is_drawn(live, received, tmp_path):
    live.plot(received, tmp_path / "live.png")
    assert (tmp_path / "live.png").stat().st_size > 10_000
