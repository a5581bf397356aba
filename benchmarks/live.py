# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The virtual amplifier at real speed: lateness, lost samples, and how fast alpha follows a command.

    python benchmarks/live.py --minutes 5 --switches 20 --json live.json --plot live.png

`get-hf stream` runs in a process of its own, with 20 channels at 250 Hz. This process receives the stream over LSL, as
a recorder does, and sends commands that close and open the eyes in turn. Then:

- Samples that are lost or doubled, deviations of the time stamps from the clock, and the worst lateness, from the time
  stamp of a sample to its arrival here. It must be at most a quarter of a patch.
- The received signal against the same EEG that `generate` and `decode` make offline, from the same seed, with the
  conditions of the markers: the largest difference over the RMS.
- Alpha power at O1 and O2 (8 to 13 Hz) around the commands, averaged over all of them: how many seconds after the
  command half of the final change is there.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import mne
import numpy as np
import torch
from mne_lsl.lsl import StreamInlet, local_clock, resolve_streams

from get_hf import load_pretrained
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.training.data.provenance import provenance

CHANNELS = list(USUAL_CHANNELS)[:20]
RATE = 250.0
#: Largest lateness in seconds, a quarter of a patch.
LATEST = 0.0625
#: Largest difference of the received signal from the same signal offline, over its RMS.
LARGEST_DIFFERENCE = 1e-4
#: Seconds after a command in which half of the change of alpha must be there.
HALF_BY = 2.0
#: Seconds at the start whose lateness is that of finding the stream.
SETTLING = 5.0
#: Seconds until the stream must be found; its process first imports torch.
PATIENCE = 120.0
OPEN, CLOSED = "eyes_open", "eyes_closed"


@dataclass
class Received:
    """A stream that was received.

    Attributes:
        seconds: Length of the whole stream.
        signal: Signal `(channels, times)` in microvolts.
        stamps: Time stamp of each sample in seconds, `(times,)`.
        arrivals: When each sample arrived, on the same clock, `(times,)`.
        commands: Time and text of each command that was sent.
        markers: Time stamp and condition of each marker.
        said: What the process wrote to its standard output.
    """

    seconds: float
    signal: np.ndarray
    stamps: np.ndarray
    arrivals: np.ndarray
    commands: list[tuple[float, str]]
    markers: list[tuple[float, str]]
    said: str


def inlet_of(name: str) -> StreamInlet:
    """An open inlet, as soon as the stream is there.

    Raises:
        TimeoutError: It is not there after `PATIENCE` seconds.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for info in resolve_streams(timeout=1.0, name=name):
            inlet = StreamInlet(info)
            inlet.open_stream(timeout=30)
            return inlet
    raise TimeoutError(f"No LSL stream {name} was found in {PATIENCE:g} s.")


def receive(seconds: float, switches: int, checkpoint: str, seed: int) -> Received:
    """Streams some seconds, and closes and opens the eyes `switches` times at equal distances."""
    name = f"GET-benchmark-{time.time_ns()}"
    command = [sys.executable, "-m", "get_hf", "stream", "--lsl", name, "--channels", ",".join(CHANNELS)]
    command += ["--rate", f"{RATE:g}", "--condition", OPEN, "--seed", str(seed), "--checkpoint", checkpoint]
    command += ["--seconds", f"{seconds:g}"]
    due = [(k + 0.5) * seconds / (2 * switches) for k in range(2 * switches)]
    parts, stamps, arrivals, commands, markers = [], [], [], [], []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        eeg, marks = inlet_of(name), inlet_of(f"{name}-markers")
        while True:
            samples, own = eeg.pull_chunk(timeout=0.02)
            now = local_clock()
            if len(own):
                parts.append(samples.copy())  # the inlet uses its buffer again
                stamps.extend(own)
                arrivals.extend([now] * len(own))
                if len(commands) < len(due) and now - stamps[0] >= due[len(commands)]:
                    text = (CLOSED, OPEN)[len(commands) % 2]
                    process.stdin.write(text + "\n")
                    process.stdin.flush()
                    commands.append((local_clock(), text))
            elif process.poll() is not None:
                break
            marker, stamp = marks.pull_sample(timeout=0.0)
            if marker is not None and len(marker):
                markers.append((float(stamp), str(marker[0])))
        said = process.stdout.read()
    signal = np.concatenate(parts).T.astype(float)
    return Received(seconds, signal, np.array(stamps), np.array(arrivals), commands, markers, said)


def lateness(received: Received) -> np.ndarray:
    """Seconds from the time stamp of each sample to its arrival, after the start, `(times,)`."""
    return (received.arrivals - received.stamps)[round(SETTLING * RATE) :]


def timing(received: Received) -> dict[str, Any]:
    """Lost samples, deviations of the time stamps, and lateness."""
    steps = np.diff(received.stamps) * RATE
    late = lateness(received)
    return {
        "samples received": received.signal.shape[1],
        "samples lost or doubled": int(np.abs(np.round(steps) - 1).sum()),
        "largest deviation of a time stamp, in ms": 1e3 * float(np.abs(steps - 1).max()) / RATE,
        "median lateness over a patch": float(np.median(late)) / (4 * LATEST),
        "worst lateness over a patch": float(late.max()) / (4 * LATEST),
    }


def offline(received: Received, checkpoint: str, seed: int) -> np.ndarray:
    """The same EEG by `generate` and `decode`, from the first received sample on, `(channels, times)`, microvolts."""
    model, extractor = load_pretrained(checkpoint)
    patch = model.config.patch_size / model.config.sampling_rate
    # a receiver may miss samples and markers that were sent before it had found the streams
    began = received.stamps[-1] - (round(received.seconds * RATE) - 1) / RATE
    n_patches = math.ceil(received.seconds / patch - 1e-9)
    markers = [(began, OPEN), *(marker for marker in received.markers if marker[0] > began + patch / 2)]
    edges = [*(round((stamp - began) / patch) for stamp, _ in markers), n_patches]
    plan = [
        (condition, (end - start) * patch)
        for (_, condition), (start, end) in zip(markers, pairwise(edges), strict=True)
        if end > start
    ]
    features = extractor(ch_names=CHANNELS, sampling_rate=RATE, next_condition=plan, person=0)
    values = model.generate(**features, max_new_tokens=n_patches, generator=torch.Generator().manual_seed(seed))
    whole = 1e6 * extractor.decode(values, features)[0].get_data()
    first = round((received.stamps[0] - began) * RATE)
    return whole[:, first : first + received.signal.shape[1]]


def alpha_course(received: Received) -> np.ndarray:
    """Power in 8-13 Hz at O1 and O2, smoothed over half a second, `(times,)`."""
    picks = [CHANNELS.index(name) for name in ("O1", "O2")]
    alpha = mne.filter.filter_data(received.signal[picks], RATE, 8.0, 13.0, verbose="error")
    width = round(RATE / 2)
    return np.convolve((alpha**2).mean(0), np.ones(width) / width, mode="same")


def followed(received: Received, text: str, before: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean course of log alpha power around the commands of one kind: seconds, and decibels."""
    course = alpha_course(received)
    own = [now for now, command in received.commands if command == text]
    after = min(np.diff([now for now, _ in received.commands])) if len(received.commands) > 1 else 5.0
    span = np.arange(round(-before * RATE), round(after * RATE))
    rows = []
    for now in own:
        at = round((now - received.stamps[0]) * RATE) + span
        if at[0] >= 0 and at[-1] < len(course):
            rows.append(course[at])
    return span / RATE, 10 * np.log10(np.mean(rows, axis=0))


def half_change(seconds: np.ndarray, decibels: np.ndarray) -> dict[str, float]:
    """The change of alpha after a command, and when half of it is there.

    The level before is the mean of the second before the command, because the new condition cannot be there yet; the
    final level is the mean of the last two seconds.
    """
    start = float(decibels[(seconds >= -1) & (seconds < 0)].mean())
    end = float(decibels[seconds >= seconds[-1] - 2].mean())
    share = (decibels - start) / (end - start)
    there = (seconds >= 0) & (share >= 0.5)
    return {"change in dB": end - start, "seconds to half": float(seconds[there.argmax()]) if there.any() else np.inf}


def plot(received: Received, file: Path) -> None:
    """Draws alpha around the commands, and the lateness of the samples."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
    for text, colour in ((CLOSED, "tab:blue"), (OPEN, "tab:orange")):
        left.plot(*followed(received, text), color=colour, label=text.replace("_", " "))
    left.axvline(0, color="0.5", linestyle=":")
    left.set(xlabel="Seconds after the command", ylabel="Alpha power at O1 and O2 (dB)")
    left.legend(frameon=False)
    late, minutes = lateness(received), (received.stamps - received.stamps[0]) / 60
    right.plot(minutes[-len(late) :], 1e3 * late, ".", markersize=1, color="0.3")
    right.axhline(1e3 * LATEST, color="tab:red", label="a quarter of a patch")
    right.set(xlabel="Minutes", ylabel="Lateness of a sample (ms)", ylim=(0, None))
    right.legend(frameon=False)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Measures, prints a table, and writes JSON and a picture where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the stream")
    parser.add_argument("--switches", type=int, default=20, help="how often the eyes are closed")
    parser.add_argument("--checkpoint", default="get_hf/checkpoint", help="checkpoint to stream from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--plot", type=Path, help="file for the picture")
    options = parser.parse_args()
    received = receive(60 * options.minutes, options.switches, options.checkpoint, options.seed)
    rows: dict[str, Any] = timing(received)
    expected = offline(received, options.checkpoint, options.seed)
    difference = np.abs(received.signal - expected).max() / np.sqrt(np.mean(expected**2))
    rows["largest difference from the same EEG offline, over its RMS"] = float(difference)
    for text in (CLOSED, OPEN):
        found = half_change(*followed(received, text))
        rows |= {f"{text}: {name}": value for name, value in found.items()}
    for name, value in rows.items():
        print(f"{name}: {value:.3g}")
    print(received.said.strip().splitlines()[-1])
    if options.json:
        about = provenance(minutes=options.minutes, switches=options.switches, seed=options.seed)
        options.json.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        plot(received, options.plot)
    failed = [
        name
        for name, is_good in {
            "samples are lost": rows["samples lost or doubled"] == 0,
            "samples are late": rows["worst lateness over a patch"] <= 0.25,
            "the stream differs from the same EEG offline": difference <= LARGEST_DIFFERENCE,
            "alpha follows slowly": rows[f"{CLOSED}: seconds to half"] <= HALF_BY,
        }.items()
        if not is_good
    ]
    if failed:
        sys.exit(f"Not as it should be: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
