# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A virtual amplifier, and a receiver on the same machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from get_hf import load_pretrained, save_recording
from small import save_small
from synthetic import make_raw

lsl = pytest.importorskip("mne_lsl.lsl")

CHANNELS = ["Fz", "C3", "C4", "Oz"]
#: Seconds until a stream is found; the process first imports torch.
PATIENCE = 240


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    save_small(folder := tmp_path_factory.mktemp("stream") / "checkpoint")
    return folder


@pytest.fixture
def name() -> str:
    return f"GET-{os.getpid()}-{time.monotonic_ns()}"


@contextmanager
def streaming(*arguments: object) -> Iterator[subprocess.Popen]:
    """Runs `get-hf stream`."""
    command = [sys.executable, "-m", "get_hf", "stream", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def found(name: str):
    """An open inlet of a stream, as soon as there is one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for info in lsl.resolve_streams(timeout=1.0, name=name):
            inlet = lsl.StreamInlet(info, recover=False)
            inlet.open_stream(timeout=30)
            return inlet
    raise TimeoutError(name)


def received(inlet, process: subprocess.Popen) -> tuple[np.ndarray, np.ndarray]:
    """All samples `(times, channels)` and their time stamps, until the process has ended."""
    samples, stamps = [], []
    while True:
        has_ended = process.poll() is not None
        try:
            new, at = inlet.pull_chunk(timeout=0.2)
        except RuntimeError:  # the stream is lost, because the process has ended
            break
        if len(at):
            samples.append(np.array(new))
            stamps.append(np.array(at))
        elif has_ended:
            break
    return np.concatenate(samples), np.concatenate(stamps)


def test_what_arrives_is_what_generate_makes_at_the_times_of_the_clock(checkpoint, name):
    given = ["--channels", ",".join(CHANNELS), "--rate", 250, "--person", 3, "--seed", 5, "--condition", "eyes_open"]
    with streaming("--lsl", name, "--checkpoint", checkpoint, "--seconds", 6, *given) as process:
        inlet = found(name)
        info = inlet.get_sinfo()
        arrived, stamps = received(inlet, process)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert "1500 samples sent, 6.00 s" in out
    assert (info.n_channels, info.sfreq, info.stype) == (4, 250.0, "EEG")
    assert info.get_channel_names() == CHANNELS
    assert info.get_channel_units() == ["microvolts"] * 4
    positions = info.get_channel_info().get_montage().get_positions()["ch_pos"]
    assert positions["C3"][0] < -0.03 < 0.03 < positions["C4"][0]  # metres, to the right
    # nothing is missing in between, and time stamps follow the clock
    assert len(arrived) > 250
    np.testing.assert_allclose(np.diff(stamps), 1 / 250, atol=1e-6)
    model, extractor = load_pretrained(checkpoint)
    features = extractor(ch_names=CHANNELS, sampling_rate=250.0, person=3, condition="eyes_open")
    generated = model.generate(**features, seconds=6, generator=torch.Generator().manual_seed(5))
    (expected,) = extractor.decode(generated, features, "array")
    error = arrived.T - expected[:, -len(arrived) :]
    assert np.abs(error).max() < 1e-3 * expected.std()


def test_conditions_change_by_lines_and_by_markers_while_it_runs(checkpoint, name):
    cues = lsl.StreamOutlet(lsl.StreamInfo(f"{name}-cues", "Markers", 1, 0.0, "string", f"{name}-cues"))
    given = ["--channels", "C3,C4", "--rate", 100, "--condition", "rest", "--commands", f"{name}-cues"]
    with streaming("--lsl", name, "--checkpoint", checkpoint, *given) as process:
        eeg, markers = found(name), found(f"{name}-markers")
        assert cues.wait_for_consumers(60)

        def marked(wanted: str) -> float:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                marker, at = markers.pull_sample(timeout=1.0)
                if marker and marker[0] == wanted:
                    return at
            raise TimeoutError(wanted)

        times = []
        for command, wanted in (("Eyes closed", "eyes_closed"), ("asleep", None), ("eyes_open:1,feet:1", "feet")):
            process.stdin.write(f"{command}\n")
            process.stdin.flush()
            times += [marked(wanted)] if wanted else []
        cues.push_sample(["left_fist"])
        times.append(marked("left_fist"))
        process.stdin.write("quit\n")
        process.stdin.flush()
        _, stamps = received(eeg, process)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert "'asleep' is not a condition" in err
    assert "samples sent" in out
    assert times == sorted(times)
    np.testing.assert_allclose(np.diff(stamps), 1 / 100, atol=1e-6)
    # each condition begins with a sample, at the edge of a patch
    patches = (np.array(times) - times[0]) / 0.25
    np.testing.assert_allclose(patches, np.round(patches), atol=1e-3)


def test_a_recording_goes_on_in_another_unit_and_rate_with_noise_of_the_amplifier(checkpoint, name, tmp_path):
    save_recording(make_raw(), recording := tmp_path / "recording.edf")
    given = ["--rate", 500, "--unit", "V", "--channels", "Fz,C3", "--seconds", 4, "--noise", 3]
    with streaming(recording, "--lsl", name, "--checkpoint", checkpoint, *given) as process:
        inlet = found(name)
        assert inlet.get_sinfo().get_channel_units() == ["volts"] * 2
        arrived, _ = received(inlet, process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    spectrum = np.abs(np.fft.rfft(1e6 * arrived, axis=0)) ** 2 / len(arrived)  # of white noise: its variance
    freqs = np.fft.rfftfreq(len(arrived), 1 / 500)
    assert spectrum[freqs > 100].mean() == pytest.approx(9.0, rel=0.15)
    assert spectrum[(freqs > 2) & (freqs < 30)].mean() > 100
