# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Prepares recordings of any length: reads and cleans them in pieces, and calibrates on stretches spread over them.

The pieces fit together. Each is cleaned with enough signal on both sides that the filters give the same samples as
for the whole recording. Annotations that call a part bad, and interruptions, divide a recording into stretches, and
no filter reaches across from one to another.
"""

import math
from collections.abc import Sequence
from itertools import compress, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from get_hf.processing.calibration_get import Calibration, check_same_channels
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.loading import load_recording
from get_hf.processing.reading_get import CALIBRATION_SECONDS, annotated_spans, check_rate, eeg_info
from get_hf.processing.signal_get import band_limit_ratio, band_limited_times
from get_hf.processing.stretches_get import good_stretches, is_bad

if TYPE_CHECKING:
    import mne

#: Periods of the high-pass beside a piece that its filters see: after them, ringing is below 1e-6.
FILTER_PERIODS = 4.0
#: Seconds that are read and cleaned at once.
CLEANED_SECONDS = 120.0
#: Length of the stretches to calibrate on, if a recording is longer than `CALIBRATION_SECONDS`.
STRETCH_SECONDS = 30.0
#: Shortest stretch to calibrate on, unless all are shorter.
LEAST_SECONDS = 4.0


class LongRecording:
    """A recording that is cleaned in pieces.

    Args:
        recording: Path of a file, or an `mne.io.Raw`, which need not be loaded.
        extractor: The feature extractor that cleans.
        channels: Of a file: names of the channels to read. None: all EEG channels.
        unit: Of a file: unit of its numbers, where it names none.
        span: First and last second of the part that is used. None: all of it.

    Attributes:
        raw: The recording.
        ch_names: Names of its EEG channels.
        seconds: Its length.
        stretches: First and last sample (exclusive), at the recording's own rate, of each good and uninterrupted
            stretch.

    Raises:
        TypeError: The recording is neither a file nor a `Raw`.
        ValueError: The file cannot be read, there is no EEG channel, or all of the recording is annotated bad.
    """

    def __init__(
        self,
        recording: Any,
        extractor: GETFeatureExtractor,
        channels: Sequence[str] | None = None,
        unit: str | None = None,
        span: tuple[float, float] | None = None,
    ):
        if isinstance(recording, (str, Path)):
            recording = load_recording(recording, channels=channels, unit=unit, preload=False)
        elif channels is not None or unit is not None:
            raise ValueError("channels= and unit= are for a file; an MNE object has its own: use recording.pick(...).")
        if not hasattr(recording, "first_samp"):
            raise TypeError(
                f"{type(recording).__name__} is no continuous recording: give a file or an mne.io.Raw; for epochs and "
                'arrays there is pipeline("eeg-classification").'
            )
        self.raw, self.extractor = recording, extractor
        self._picks, self._info, _, _ = eeg_info(recording.info, "recording")
        self.ch_names = list(self._info["ch_names"])
        self._own_rate = check_rate(float(recording.info["sfreq"]))
        self.seconds = recording.n_times / self._own_rate
        self._offsets: dict[tuple[int, int], np.ndarray] = {}
        # cleaned samples for each sample of the recording
        self._ratio = band_limit_ratio(self._own_rate, extractor.sampling_rate)
        good, cuts = good_stretches(annotated_spans(recording), recording.n_times, self._own_rate)
        self.stretches = [
            span
            for first, last in good
            for span in pairwise([first, *(cut for cut in cuts if first < cut < last), last])
        ]
        if span is not None:
            begin, end = (round(second * self._own_rate) for second in span)
            self.stretches = [(max(first, begin), min(last, end)) for first, last in self.stretches]
            self.stretches = [(first, last) for first, last in self.stretches if first < last]
            if not self.stretches:
                raise ValueError(
                    f"From {span[0]:g} to {span[1]:g} s the recording is annotated bad, or has ended: name other "
                    "seconds."
                )

    def n_cleaned(self, stretch: tuple[int, int]) -> int:
        """Number of samples of a stretch after cleaning, at the model's sampling rate."""
        return band_limited_times(stretch[1] - stretch[0], self._ratio)

    def times(self, stretch: tuple[int, int]) -> tuple[float, float]:
        """Begin and end of a stretch in seconds from the first sample of the recording."""
        return stretch[0] / self._own_rate, stretch[1] / self._own_rate

    def cleaned(self, stretch: tuple[int, int], start: int, stop: int) -> "mne.io.RawArray":
        """Reads and cleans a part of a stretch.

        Args:
            stretch: One of `stretches`.
            start: First sample of the part, counted from the beginning of the stretch at the model's sampling rate.
            stop: Last sample, exclusive.

        Returns:
            The part at the model's sampling rate, with the annotations that call single channels bad.
        """
        import mne

        rate = self.extractor.sampling_rate
        step = round(CLEANED_SECONDS * rate)
        parts = [self._filtered(stretch, at, min(at + step, stop)) for at in range(start, stop, step)]
        info = self._info.copy()
        with info._unlock():
            info["sfreq"], info["lowpass"] = rate, min(info["lowpass"], rate / 2)
        part = mne.io.RawArray(1e-6 * np.concatenate(parts, axis=-1), info, verbose="ERROR")
        begin = self.times(stretch)[0] + start / rate
        own = self.raw.annotations
        columns = zip(
            own.onset - self.raw.first_time - begin, own.duration, own.description, own.ch_names, strict=True
        )
        spans = [
            (max(0.0, onset), min(onset + length, part.n_times / rate) - max(0.0, onset), text, names)
            for onset, length, text, names in columns
            if names and is_bad(text) and onset < part.n_times / rate and onset + length > 0
        ]
        names = set(self.ch_names)
        spans = [(*span, kept) for *span, about in spans if (kept := [name for name in about if name in names])]
        if spans:
            onsets, lengths, texts, of = zip(*spans, strict=True)
            part.set_annotations(mne.Annotations(onsets, lengths, texts, ch_names=of), verbose="ERROR")
        return part

    def _filtered(self, stretch: tuple[int, int], start: int, stop: int) -> np.ndarray:
        """The same as `cleaned`, in microvolts, `(channels, times)`."""
        first, last = stretch
        around = math.ceil(FILTER_PERIODS / self.extractor.band[0] * self.extractor.sampling_rate)
        # resampling has the same phase everywhere if a part begins where both grids have a sample
        grid = self._ratio.denominator
        begin = max(0, math.floor((start - around) / self._ratio / grid)) * grid
        end = min(last - first, math.ceil((stop + around) / self._ratio) + 1)
        data = self.raw.get_data(picks=self._picks, start=first + begin, stop=first + end) * 1e6
        data -= self._offset(stretch)
        data[np.ptp(data, axis=-1) == 0] = 0.0  # exactly, so that they are told to be flat
        at = start - int(begin * self._ratio)
        return self.extractor.clean(data, self._own_rate)[:, at : at + stop - start]

    def _offset(self, stretch: tuple[int, int]) -> np.ndarray:
        """Mean of each channel of a stretch in microvolts, `(channels, 1)`.

        It is that of the whole stretch: the resampling filter lets some of an offset pass, so that pieces with offsets
        of their own would differ from the whole.
        """
        if stretch not in self._offsets:
            first, last = stretch
            step = round(CLEANED_SECONDS * self._own_rate)
            sums = np.zeros(len(self.ch_names))
            for start in range(first, last, step):
                sums += self.raw.get_data(picks=self._picks, start=start, stop=min(start + step, last)).sum(axis=-1)
            self._offsets[stretch] = 1e6 * sums[:, None] / (last - first)
        return self._offsets[stretch]


def calibrate(recordings: Sequence[LongRecording], is_own: bool) -> Calibration:
    """Calibrates on recordings of one session, or on a reference.

    Of more than ten minutes, stretches of half a minute are used that are spread evenly over them. A channel counts as
    good if it is so in most of them. Stretches that hold no EEG, or in which a good channel is bad, are left out. The
    result of a reference knows its heartbeats and blinks, as that of `GETFeatureExtractor.calibrate`.

    Args:
        recordings: Recordings of the same channels.
        is_own: Whether these recordings will be transformed.

    Raises:
        ValueError: The recordings differ in channels, or hold no EEG that can be calibrated on.
    """
    for each in recordings[1:]:
        check_same_channels(recordings[0].ch_names, each.ch_names)
    extractor = recordings[0].extractor
    spans, is_all = _spread(recordings, extractor.sampling_rate)
    parts, cleaned, errors = [], [], []
    for recording, stretch, start, stop in spans:
        eeg = recording.cleaned(stretch, start, stop)
        try:
            parts.append(extractor.calibrate(eeg, band_limited=True))
        except ValueError as error:
            errors.append(error)
        else:
            cleaned.append(eeg)
    if not parts:
        raise errors[0]
    good = np.mean([part.good for part in parts], axis=0) > 0.5
    is_whole = [good.any() and part.good[good].all() for part in parts]
    if not any(is_whole):
        raise ValueError(
            "No stretch of the recording has all channels that are good in most of it: leave bad channels out."
        )
    if not is_own:
        return extractor.calibrate(list(compress(cleaned, is_whole)), band_limited=True)
    whole = compress(parts, is_whole)
    signal = np.concatenate([part.signal[good[part.good]] for part in whole], axis=-1)
    return Calibration(parts[0].ch_names, parts[0].positions, good, signal, is_all)


def _spread(
    recordings: Sequence[LongRecording], rate: float
) -> tuple[list[tuple[LongRecording, tuple[int, int], int, int]], bool]:
    """Parts of stretches to calibrate on, and whether they are all of the recordings."""
    stretches = [(each, stretch, each.n_cleaned(stretch)) for each in recordings for stretch in each.stretches]
    longest = max(n_times for *_, n_times in stretches)
    least = min(longest, round(LEAST_SECONDS * rate))
    stretches = [each for each in stretches if each[2] >= least]
    total, most = sum(n_times for *_, n_times in stretches), round(CALIBRATION_SECONDS * rate)
    if total <= most:
        return [(each, stretch, 0, n_times) for each, stretch, n_times in stretches], True
    n_parts = round(CALIBRATION_SECONDS / STRETCH_SECONDS)
    length = most // n_parts
    # all stretches one after another, divided evenly; a part begins in one of them and ends with it at the latest
    wanted = [round((number + 0.5) * total / n_parts) - length // 2 for number in range(n_parts)]
    parts, before = [], 0
    for recording, stretch, n_times in stretches:
        for begin in (at - before for at in wanted if before <= at < before + n_times):
            start = max(0, min(begin, n_times - length))
            parts.append((recording, stretch, start, min(n_times, start + length)))
        before += n_times
    return parts, False
