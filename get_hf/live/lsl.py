# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Sends EEG, markers and findings over the Lab Streaming Layer (LSL), and receives EEG, and markers as commands."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import mne
import numpy as np
from mne_lsl.lsl import StreamInfo, StreamInlet, StreamOutlet, local_clock, resolve_streams

from get_hf.live.hearing import BLOCK_SECONDS, FAST_SECONDS, Block, chosen
from get_hf.live.listener import Finding
from get_hf.processing.decoding_get import HEAD_RADIUS
from get_hf.processing.reading_get import check_rate
from get_hf.processing.units_get import volts_per_unit

#: Names of units in the header of a stream, as XDF writes them, by their size in volts.
UNITS = {1.0: "volts", 1e-3: "millivolts", 1e-6: "microvolts", 1e-9: "nanovolts"}
#: Seconds after which it is checked whether to stop.
WAIT = 0.2
#: Seconds to wait for a stream to listen to.
PATIENCE = 5.0
#: Seconds without a sample after which it is looked whether the stream was replaced by another one of its name.
SILENT_SECONDS = 2.0
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


class LSLSource:
    """Receives an EEG stream. If it is lost, it waits until a stream of this name is there again.

    Args:
        name: Name of the stream.
        channels: Names of the channels to use. None: all EEG whose place on the head is known.
        unit: Unit of the samples, where the header names none. None: microvolts.
        patience: Seconds to wait for the stream at the beginning.

    Attributes:
        name: Name of the stream.
        info: Names, positions and sampling rate of the channels that are used.
        behind: See `Source`.

    Raises:
        ValueError: There is no such stream, its rate is not regular, or it has no EEG.
    """

    info: mne.Info

    def __init__(
        self,
        name: str,
        channels: Sequence[str] | None = None,
        unit: str | None = None,
        patience: float = PATIENCE,
    ):
        self.name, self._wanted, self._unit = name, channels, unit
        self._inlet: StreamInlet | None = None
        self._known: mne.Info | None = None
        self._n_block = self._n_most = 1
        self._heard = time.monotonic()
        self.behind = 0.0
        until = time.monotonic() + patience
        while not self._connect():
            if time.monotonic() > until:
                others = sorted({info.name for info in resolve_streams(WAIT) if info.stype != "Markers"})
                there = f"only {', '.join(others)}" if others else "and no other one"
                raise ValueError(f"There is no LSL stream of the name {name}, {there}: start it first.")

    def read(self, timeout: float) -> Block | None:
        """Returns the samples that have come; see `Source`. It never ends."""
        if self._inlet is None:
            if not self._connect():
                return None
            return Block(np.zeros((len(self._picks), 0)), np.zeros(0), True, "the stream is there again")
        try:
            # copies, because an inlet uses its memory again
            samples, times = map(np.array, self._inlet.pull_chunk(timeout, self._n_block))
            if len(times) == self._n_block:  # what else waits
                more, later = self._inlet.pull_chunk(0.0, self._n_most)
                if len(later):
                    samples, times = np.concatenate([samples, more]), np.concatenate([times, later])
        except RuntimeError:  # the outlet is gone
            self.close()
            return Block(np.zeros((len(self._picks), 0)), np.zeros(0), False, "the stream was lost")
        if not len(times):
            if time.monotonic() - self._heard > SILENT_SECONDS and self._is_replaced():
                self.close()
                return Block(np.zeros((len(self._picks), 0)), np.zeros(0), False, "the stream was lost")
            return None
        self._heard = time.monotonic()
        self.behind = max(0.0, clock() - float(times[-1]))
        return Block(self._scale * np.asarray(samples, np.float64)[:, self._picks].T, np.asarray(times, np.float64))

    def close(self) -> None:
        """Ends the connection."""
        if self._inlet is not None:
            self._inlet.close_stream()
            self._inlet = None

    def _is_replaced(self) -> bool:
        """Whether another stream of this name is there instead; a connection may outlive its outlet."""
        self._heard = time.monotonic()
        there = [each.uid for each in resolve_streams(WAIT, name=self.name) if each.stype != "Markers"]
        return bool(there) and self._uid not in there

    def _connect(self) -> bool:
        """Opens the stream, and returns whether it is there."""
        found = [each for each in resolve_streams(WAIT, name=self.name) if each.stype != "Markers"]
        if not found:
            return False
        inlet = StreamInlet(found[0], recover=False, processing_flags=["clocksync"])
        try:
            inlet.open_stream(timeout=5)
            about = inlet.get_sinfo()
        except (TimeoutError, RuntimeError):  # it is gone again
            return False
        info = self._read_header(about)
        known = info if self._known is None else self._known
        if (info["ch_names"], info["sfreq"]) != (known["ch_names"], known["sfreq"]):
            raise ValueError(
                f"The stream {self.name} came back with {len(info['ch_names'])} channels at {info['sfreq']:g} Hz, and "
                f"had {len(known['ch_names'])} at {known['sfreq']:g} Hz, or other names: start again."
            )
        self.info = self._known = info
        self._uid, self._heard = about.uid, time.monotonic()
        self._inlet = inlet
        self._n_block = max(1, round(BLOCK_SECONDS * info["sfreq"]))
        self._n_most = round(FAST_SECONDS * info["sfreq"])
        return True

    def _read_header(self, about: Any) -> mne.Info:
        """Reads names, positions and units of the channels."""
        of = f"The stream {self.name}"
        if not about.sfreq or about.dtype == "string":
            raise ValueError(f"{of} has no regular rate, or no numbers: it is no EEG.")
        names = about.get_channel_names()
        if names is None:
            if self._wanted is None or len(self._wanted) != about.n_channels:
                raise ValueError(
                    f"{of} names none of its {about.n_channels} channels: name all of them, in order, by --channels."
                )
            names = list(self._wanted)
        names = [str(name) for name in names]
        types = about.get_channel_types() or [None] * len(names)
        is_eeg = [kind is None or str(kind).lower() in ("eeg", "none", "n/a", "") for kind in types]
        self._picks = chosen(names, self._wanted, is_eeg, of)
        units = about.get_channel_units() or [None] * len(names)
        volts = [volts_per_unit(str(units[pick] or "")) or volts_per_unit(self._unit or "uV") for pick in self._picks]
        self._scale = 1e6 * np.array(volts, dtype=np.float64)[:, None]
        info = mne.create_info([names[pick] for pick in self._picks], check_rate(float(about.sfreq)), "eeg")
        with suppress(Exception):  # a header that MNE cannot read has names at least
            montage = about.get_channel_info().get_montage()
            places = montage.get_positions()["ch_pos"] if montage is not None else {}
            if all(name in places and np.isfinite(places[name]).all() for name in info["ch_names"]):
                info.set_montage(montage)
        return info


class FindingsOutlet:
    """A stream with the surprise and the probabilities of each patch.

    Args:
        name: Name of the stream.
        classes: Names of the classes.
        patch_seconds: Length of a patch.
        now: Whether samples get the time at which they are sent, because those of the source are of another clock.
    """

    def __init__(self, name: str, classes: Sequence[str], patch_seconds: float, now: bool):
        names = ["surprise", *classes]
        own = hashlib.blake2b(f"{name} {names}".encode(), digest_size=8).hexdigest()
        info = StreamInfo(name, "Findings", len(names), 1 / patch_seconds, "float32", f"get-hf-{own}")
        info.set_channel_names(names)
        info.set_channel_units(["deviations", *["probability"] * len(classes)])
        info.desc.append_child_value("manufacturer", "GET-HF")
        self._outlet, self._now = StreamOutlet(info, chunk_size=1), now
        self._probabilities = np.full(len(classes), np.nan)

    def take(self, finding: Finding) -> None:
        """Sends a finding. The probabilities are those of the last window that has ended."""
        if finding.probabilities is not None:
            self._probabilities = finding.probabilities
        values = np.array([finding.surprise, *self._probabilities], dtype=np.float32)
        self._outlet.push_sample(values, clock() if self._now else finding.time)

    def close(self) -> None:
        """Waits until receivers have the last samples."""
        if self._outlet.has_consumers:
            time.sleep(LINGER)
