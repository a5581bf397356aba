# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Sends EEG and markers over the Lab Streaming Layer (LSL), and receives markers as commands."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import mne
import numpy as np
from mne_lsl.lsl import StreamInfo, StreamInlet, StreamOutlet, local_clock, resolve_streams

from get_hf.processing.decoding_get import HEAD_RADIUS
from get_hf.processing.units_get import volts_per_unit

#: Names of units in the header of a stream, as XDF writes them, by their size in volts.
UNITS = {1.0: "volts", 1e-3: "millivolts", 1e-6: "microvolts", 1e-9: "nanovolts"}
#: Seconds after which it is checked whether to stop.
WAIT = 0.2
#: Seconds that receivers get for the last samples.
LINGER = 0.5

clock: Callable[[], float] = local_clock


def montage_of(ch_names: Sequence[str], positions: np.ndarray, sampling_rate: float) -> mne.Info:
    """Returns the `mne.Info` of channels at `positions` `(channels, 6)` on the unit sphere.

    A bipolar channel is placed between its two electrodes.
    """
    info = mne.create_info(list(ch_names), sampling_rate, "eeg")
    midpoints = positions[:, :3] + positions[:, 3:]
    midpoints = HEAD_RADIUS * midpoints / np.maximum(np.linalg.norm(midpoints, axis=-1, keepdims=True), 1e-6)
    montage = mne.channels.make_dig_montage(dict(zip(info["ch_names"], midpoints, strict=True)), coord_frame="head")
    return info.set_montage(montage)


class LSLOutlet:
    """An EEG stream, and a marker stream with the suffix `-markers`, which tells when a condition begins.

    Args:
        name: Name of the EEG stream.
        info: Names and positions of the channels, and the sampling rate.
        unit: Unit of the samples.
        band: Lowest and highest frequency of the signal in Hz.
    """

    def __init__(self, name: str, info: mne.Info, unit: str, band: Sequence[float]):
        volts = volts_per_unit(unit)
        assert volts is not None  # the command has checked it
        self._scale = 1e-6 / volts
        # a receiver recognises the stream by this text after a restart
        own = hashlib.blake2b(f"{name} {info['ch_names']} {info['sfreq']}".encode(), digest_size=8).hexdigest()
        n_chans = len(info["ch_names"])
        stream = StreamInfo(name, "EEG", n_chans, info["sfreq"], "float32", f"get-hf-{own}")
        stream.set_channel_info(info)
        stream.set_channel_units(UNITS[volts])
        stream.desc.append_child_value("manufacturer", "GET-HF")
        stream.desc.append_child_value("generated", "true")
        stream.desc.append_child_value("band_hz", f"{band[0]:g}-{band[1]:g}")
        self._eeg = StreamOutlet(stream)
        markers = StreamInfo(f"{name}-markers", "Markers", 1, 0.0, "string", f"get-hf-{own}-markers")
        self._markers = StreamOutlet(markers)

    def send(self, samples: np.ndarray, timestamp: float) -> None:
        """Sends samples `(times, channels)` in microvolts; `timestamp` is the time of the last one in seconds."""
        scaled = np.array(self._scale * samples, dtype=np.float32, order="C")
        if len(scaled) == 1:
            return self._eeg.push_sample(scaled[0], timestamp)
        self._eeg.push_chunk(scaled, timestamp)

    def mark(self, condition: str, timestamp: float) -> None:
        """Sends the name of the condition that begins at a time in seconds."""
        self._markers.push_sample([condition], timestamp)

    def close(self) -> None:
        """Waits until receivers have the last samples; LSL drops what is still in the buffer of an outlet."""
        if self._eeg.has_consumers or self._markers.has_consumers:
            time.sleep(LINGER)


def listen(name: str, take: Callable[[str], Any], stopped: threading.Event) -> None:
    """Passes the markers of a stream to a function until `stopped` is set.

    The stream need not be there yet. It may end and begin again.

    Args:
        name: Name of the marker stream.
        take: Function that is called with the text of each marker.
        stopped: Event that ends this function.
    """
    inlet = None
    while not stopped.is_set():
        if inlet is None:
            found = resolve_streams(WAIT, name=name, stype="Markers")
            if not found:
                stopped.wait(WAIT)
                continue
            inlet = StreamInlet(found[0])
            inlet.open_stream(timeout=5)
        marker, _ = inlet.pull_sample(WAIT)
        if marker is not None and len(marker):
            take(str(marker[0]))
