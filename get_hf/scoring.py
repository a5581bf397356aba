# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the moments of a recording that are unusual compared with a reference: `score_recording`.

The transform to the innovation space is fitted to the reference, so that the innovations of the recording are in units
of the reference. A patch of a channel has two measures: the surprise of its innovations, given the past, see
`GETModel.score`; and its loudness, the logarithm of its root mean square. The surprise finds rhythms, fast activity
and what is local. It is weak for slow waves that all channels share, because the transform expects such waves; the
loudness finds these. Both are standardised by their median and deviation in the reference, and the larger one counts.
The mean over channels is smoothed. What is unusual need not be a seizure: artefacts are unusual, too.
"""

import json
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers.cache_utils import DynamicCache

from get_hf.long_recordings import LongRecording, calibrate
from get_hf.modeling.modeling_get import GETModel
from get_hf.outputs import check_file
from get_hf.processing.calibration_get import Calibration, check_same_channels
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.features_get import Prompt
from get_hf.processing.files import written_whole
from get_hf.processing.reading_get import CALIBRATION_SECONDS, annotated_spans
from get_hf.processing.stretches_get import is_bad
from get_hf.thread_warnings import warnings_taken

if TYPE_CHECKING:
    import mne

#: Description of the annotation of an unusual moment.
UNUSUAL = "GET unusual"
#: Files of events that can be written, and the columns of SzCORE's.
EVENT_SUFFIXES = (".csv", ".json", ".fif", ".tsv")
SZCORE_COLUMNS = ("onset", "duration", "eventType", "confidence", "channels", "dateTime", "recordingDuration")
#: Seconds that are scored at once, so that memory does not grow with the length of a recording.
CHUNK_SECONDS = 60.0
#: Seconds after a chunk in which heartbeats and blinks are sought too.
EDGE_SECONDS = 10.0
#: Seconds at the start, and after spans that are annotated bad, that have no score: with no past, anything surprises.
SETTLING_SECONDS = 2.0
#: Seconds over which the surprise is averaged.
SMOOTHING_SECONDS = 2.0
#: Deviations of the reference above which a moment is unusual.
THRESHOLD = 5.0
#: Unusual moments with less than this many seconds between them are one event.
LEAST_GAP_SECONDS = 2.0
#: Patches of a reference below which its deviation cannot be estimated.
LEAST_PATCHES = 40
#: Times of the flow at which the surprise is measured, and microvolts that bound the loudness of silence.
FLOW_STEPS, LEAST_MICROVOLTS = 4, 0.01
#: Ratio of the standard deviation of normal numbers to their median absolute deviation.
_NORMAL = 1.4826


@dataclass(frozen=True)
class Reference:
    """What is usual: the result of `fit_reference`.

    Attributes:
        calibration: The EEG that the transform is fitted to.
        median: `(2, channels)`: median of the surprise (nats) and of the loudness (log microvolts) of a patch; NaN for
            bad channels.
        deviation: `(2, channels)`: their robust standard deviations.
        mean_median: Median of the smoothed mean over channels, in deviations.
        mean_deviation: Its robust standard deviation.
    """

    calibration: Calibration
    median: np.ndarray
    deviation: np.ndarray
    mean_median: float
    mean_deviation: float


@dataclass(frozen=True)
class Scores:
    """How unusual a recording is, compared with its reference.

    Attributes:
        ch_names: Names of the channels.
        channels: `(channels, patches)`: surprise or loudness of each patch, whichever is larger, in deviations of the
            reference; NaN for bad channels, and for spans that are annotated bad.
        course: `(patches,)`: the smoothed mean over channels, in deviations of its values in the reference.
        patch_seconds: Duration of a patch.
        seconds: Duration of the recording.
        threshold: Value of `course` above which a moment is unusual.
    """

    ch_names: list[str]
    channels: np.ndarray
    course: np.ndarray
    patch_seconds: float
    seconds: float
    threshold: float

    @property
    def events(self) -> list[tuple[float, float, float]]:
        """Unusual moments: onset and duration in seconds from the first sample, and the course's largest value."""
        above = np.nan_to_num(self.course, nan=-np.inf) > self.threshold
        edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(int)))
        spans: list[list[int]] = []
        for first, last in edges.reshape(-1, 2).tolist():
            if spans and (first - spans[-1][1]) * self.patch_seconds < LEAST_GAP_SECONDS:
                spans[-1][1] = last
            else:
                spans.append([first, last])
        found = []
        for first, last in spans:
            onset, end = first * self.patch_seconds, min(last * self.patch_seconds, self.seconds)
            found.append((onset, end - onset, float(np.nanmax(self.course[first:last]))))
        return found

    def annotations(self) -> "mne.Annotations":
        """The events as annotations "GET unusual", in seconds from the first sample of the recording."""
        import mne

        onsets, durations, _ = zip(*self.events, strict=True) if self.events else ((), (), ())
        return mne.Annotations(onsets, durations, UNUSUAL)


def save_scores(scores: Scores, path: str | Path, began: datetime | None = None) -> None:
    """Writes the unusual moments of a recording; the suffix of the file says how.

    - `.csv`: onset and duration in seconds, description, and score in deviations of the reference.
    - `.json`: the same, and the course for each patch.
    - `.fif`: `mne.Annotations`, for `mne.read_annotations`.
    - `.tsv`: the columns of SzCORE (Dan et al., Epilepsia 2024), a subset of HED-SCORE. Each moment is an event `sz`;
      a recording without any is one event `bckg`.

    Args:
        scores: Result of `score_recording`.
        path: File to write; an existing file is replaced.
        began: Date and time of the first sample, for `.tsv`; None: unknown.

    Raises:
        ValueError: The suffix is another one.
        OSError: The folder does not exist, or cannot be written to.
    """
    path = check_file(path, EVENT_SUFFIXES)
    suffix = path.suffix.lower()
    with written_whole(path) as file:
        if suffix == ".fif":
            scores.annotations().save(file, overwrite=True, verbose="ERROR")
            return
        write: Any = {".csv": _csv, ".json": _json, ".tsv": partial(_szcore, began=began)}[suffix]
        file.write_text(write(scores), encoding="utf-8")


def _csv(scores: Scores) -> str:
    rows = [f"{onset:.3f},{duration:.3f},{UNUSUAL},{score:.2f}" for onset, duration, score in scores.events]
    return "\n".join(["onset,duration,description,score", *rows]) + "\n"


def _json(scores: Scores) -> str:
    names = ("onset", "duration", "score")
    told = {
        "seconds": scores.seconds,
        "patch_seconds": scores.patch_seconds,
        "threshold": scores.threshold,
        "events": [dict(zip(names, map(_rounded, event), strict=True)) for event in scores.events],
        "course": [None if np.isnan(value) else _rounded(value) for value in scores.course],
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _szcore(scores: Scores, began: datetime | None) -> str:
    events = [(onset, duration, "sz") for onset, duration, _ in scores.events] or [(0.0, scores.seconds, "bckg")]
    when = "n/a" if began is None else began.strftime("%Y-%m-%d %H:%M:%S")
    rows = [
        f"{onset:.2f}\t{duration:.2f}\t{kind}\tn/a\tn/a\t{when}\t{scores.seconds:.2f}"
        for onset, duration, kind in events
    ]
    return "\n".join(["\t".join(SZCORE_COLUMNS), *rows]) + "\n"


def score_recording(
    raw: "mne.io.BaseRaw",
    model: GETModel,
    extractor: GETFeatureExtractor,
    reference: Any = None,
    threshold: float = THRESHOLD,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Scores how unusual each quarter of a second is.

    A recording may last for hours, and `raw` need not be loaded: it is read, cleaned and scored a minute at a time,
    and the scores are those of the whole recording at once. Only heartbeats and blinks are sought in each minute with
    some seconds around it. After spans that are annotated bad, and after interruptions, the model begins without a
    past.

    Args:
        raw: The recording, in volts.
        model: The model.
        extractor: Its feature extractor.
        reference: What is usual: an `mne.io.Raw` of the same channels, at least ten seconds and better minutes long;
            or a `Reference`. None: the first ten minutes of the recording itself, which should hold few events.
        threshold: Deviations of the reference above which a moment is unusual.
        progress: Called with the seconds that are done, and all seconds.

    Raises:
        TypeError: The recording is no continuous `mne.io.Raw`.
        ValueError: The recording or the reference cannot be read as EEG, their channels differ, or the reference is
            too short.
    """
    if reference is None:
        reference = fit_reference(raw, model, extractor, (0.0, CALIBRATION_SECONDS))
    elif not isinstance(reference, Reference):
        reference = fit_reference(reference, model, extractor)
    opened = LongRecording(raw, extractor)
    check_same_channels(reference.calibration.ch_names, opened.ch_names)
    measures, n_missing = _measures(opened, model, extractor, reference.calibration, progress)
    channels = _larger(measures, reference.median, reference.deviation)
    seconds = model.config.patch_size / model.config.sampling_rate
    course = _standardised(channels, reference, seconds)
    if n_missing:
        warnings.warn(f"{n_missing * seconds:.4g} s are annotated bad and have no score.", stacklevel=2)
    return Scores(opened.ch_names, channels, course, seconds, opened.seconds, threshold)


def scores_of_means(
    means: np.ndarray, reference: Reference, patch_seconds: float, seconds: float, threshold: float
) -> Scores:
    """Scores from the means over channels of a recording that was scored patch by patch.

    Args:
        means: `(patches,)`: mean over channels of each patch, see `deviations`; NaN where nothing is known.
        reference: What is usual.
        patch_seconds: Duration of a patch.
        seconds: Duration of the recording.
        threshold: Deviations of the reference above which a moment is unusual.

    Returns:
        The scores, with `means` in place of those of single channels.
    """
    course = _standardised(means[None], reference, patch_seconds)
    return Scores(["mean"], means[None], course, patch_seconds, seconds, threshold)


def deviations(nats: np.ndarray, microvolts: np.ndarray, reference: Reference) -> np.ndarray:
    """Surprise or loudness in deviations of the reference, whichever is larger, `(channels, patches)`.

    Args:
        nats: `(channels, patches)`: surprise of each patch.
        microvolts: `(channels, patches)`: standard deviation of clean EEG without events in each patch.
        reference: What is usual.
    """
    measures = np.stack([nats, np.log(microvolts + LEAST_MICROVOLTS)])
    return _larger(measures, reference.median, reference.deviation)


def _standardised(channels: np.ndarray, reference: Reference, patch: float) -> np.ndarray:
    """The smoothed mean over channels `(patches,)` in deviations of its values in the reference."""
    return (_course(channels, patch) - reference.mean_median) / reference.mean_deviation


def fit_reference(
    raw: "mne.io.BaseRaw",
    model: GETModel,
    extractor: GETFeatureExtractor,
    span: tuple[float, float] | None = None,
) -> Reference:
    """Estimates what is usual from a recording.

    The transform is estimated from ten minutes at most, which are spread over a longer reference.

    Args:
        raw: The recording, in volts, without the events that are to be found; it need not be loaded.
        model: The model.
        extractor: Its feature extractor.
        span: First and last second of the part that is usual. None: all of it.

    Raises:
        TypeError: The recording is no continuous `mne.io.Raw`.
        ValueError: The recording cannot be read as EEG, or is too short.
    """
    opened = LongRecording(raw, extractor, span=span)
    patch = model.config.patch_size / model.config.sampling_rate
    seconds = sum(end - begin for begin, end in map(opened.times, opened.stretches))
    if seconds < LEAST_PATCHES * patch:
        raise ValueError(
            f"The reference is {seconds:.3g} s long, and a reference needs {LEAST_PATCHES * patch:g} s at least, "
            "better minutes: give a longer one."
        )
    with warnings_taken():  # the same parts are read again below, and warn there
        calibration = calibrate([opened], is_own=False)
    measures, _ = _measures(opened, model, extractor, calibration, lambda done, total: None)
    median, deviation = _usual(measures)
    course = _course(_larger(measures, median, deviation), patch)
    return Reference(calibration, median, deviation, *map(float, _usual(course)))


@dataclass(frozen=True)
class _Piece:
    """Patches of a stretch that are scored at once.

    Attributes:
        stretch: The stretch, see `LongRecording.stretches`.
        at: Number of the stretch's first whole patch, counted from the first sample of the recording.
        skip: Samples of the stretch before it, at the model's rate.
        n_own: Number of whole patches of the stretch.
        first: First patch that is scored, counted from `at`.
        last: Last patch, exclusive.
    """

    stretch: tuple[int, int]
    at: int
    skip: int
    n_own: int
    first: int
    last: int


def _pieces(opened: LongRecording, patch: float, size: int, n_patches: int) -> Iterator[_Piece]:
    """Divides a recording into pieces; patches are counted from its first sample, whatever its stretches."""
    n_chunk = max(1, round(CHUNK_SECONDS / patch))
    for stretch in opened.stretches:
        begin = opened.times(stretch)[0]
        at = math.ceil(begin / patch - 1e-6)
        skip = max(0, round((at * patch - begin) * size / patch))
        n_own = min((opened.n_cleaned(stretch) - skip) // size, n_patches - at)
        for first in range(0, n_own, n_chunk):
            yield _Piece(stretch, at, skip, n_own, first, min(first + n_chunk, n_own))


def _measures(
    opened: LongRecording,
    model: GETModel,
    extractor: GETFeatureExtractor,
    calibration: Calibration,
    progress: Callable[[int, int], None],
) -> tuple[np.ndarray, int]:
    """Surprise and loudness `(2, channels, patches)`, and the number of patches in spans that are annotated bad."""
    size, patch = model.config.patch_size, model.config.patch_size / model.config.sampling_rate
    n_patches = int(opened.seconds / patch + 1e-6)
    n_before, n_after = (round(seconds / patch) for seconds in (model.config.context_seconds, EDGE_SECONDS))
    measures = np.full((2, len(opened.ch_names), n_patches), np.nan)
    refused: ValueError | None = None
    masked: Counter = Counter()
    goes_on: tuple[_Piece, bytes] | None = None
    cache: Any = None
    for piece in _pieces(opened, patch, size, n_patches):
        low, high = max(0, piece.first - n_before), min(piece.n_own, piece.last + n_after)
        eeg = opened.cleaned(piece.stretch, piece.skip + low * size, piece.skip + high * size)
        try:
            with warnings_taken():  # which channels are masked is told once, at the end
                features = extractor(eeg, band_limited=True, calibrate_on=calibration)
        except ValueError as error:  # such as an amplifier that is off
            refused = error
        else:
            prompt = features.recordings[0]
            begin, known = low, prompt.good.tobytes()
            if goes_on is not None and goes_on[0].stretch == piece.stretch and goes_on[0].last == piece.first:
                begin = piece.first if goes_on[1] == known else low
            if begin < piece.first or piece.first == 0:  # without a cache that these channels were in
                cache, begin = DynamicCache(config=model.config), low
            # with one patch before: the last one in the past, or the start patch
            inputs = {name: features[name] for name in ("channel_positions", "channel_mask", "calibration")}
            values = features["input_values"][..., (begin - low) * size : (1 + piece.last - low) * size]
            inputs = {name: value.to(model.device) for name, value in (inputs | {"input_values": values}).items()}
            nats = model.score(**inputs, num_flow_steps=FLOW_STEPS, past_key_values=cache)[0].float().cpu().numpy()
            n_new, n_later = piece.last - piece.first, high - piece.last
            own = slice(piece.at + piece.first, piece.at + piece.last)
            measures[0, :, own] = nats[:, -n_new:]
            measures[1, :, own] = _loudness(eeg, prompt, size)[:, -n_later - n_new : -n_later or None]
            masked.update(dict.fromkeys(np.array(opened.ch_names)[~prompt.good], n_new))
            goes_on = piece, known
        if piece.first == 0:
            measures[:, :, piece.at : piece.at + round(SETTLING_SECONDS / patch)] = np.nan
        progress(round((piece.at + piece.last) * patch), round(n_patches * patch))
    if refused is not None and np.isnan(measures).all():
        raise refused
    if masked:
        named = ", ".join(f"{name} (for {count * patch:.4g} s)" for name, count in masked.most_common())
        warnings.warn(f"Channels that are bad, flat or no EEG in amplitude have no score: {named}.", stacklevel=3)
    bad = _bad_patches(opened.raw, n_patches, patch)
    measures[:, :, bad] = np.nan
    return measures, int(bad.sum())


def _loudness(eeg: "mne.io.BaseRaw", prompt: Prompt, size: int) -> np.ndarray:
    """Log root mean square `(channels, patches)` of clean EEG without events, in log microvolts."""
    x = eeg.get_data(units="uV")[prompt.good] - prompt.events.signal
    loudness = np.full((len(prompt.good), x.shape[1] // size), np.nan)
    loudness[prompt.good] = np.log(x.reshape(len(x), -1, size).std(axis=-1) + LEAST_MICROVOLTS)
    return loudness


def _larger(measures: np.ndarray, median: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The larger of both measures `(2, channels, patches)` in deviations, `(channels, patches)`."""
    return ((measures - median[..., None]) / deviation[..., None]).max(axis=0)


def _bad_patches(raw: "mne.io.BaseRaw", n_patches: int, patch: float) -> np.ndarray:
    """Which patches `(patches,)` lie in spans that are annotated bad."""
    bad = np.zeros(n_patches, dtype=bool)
    for onset, duration, text in annotated_spans(raw):
        if is_bad(text) and duration > 0:
            bad[max(0, int(onset / patch)) : max(0, int(np.ceil((onset + duration) / patch)))] = True
    return bad


def _usual(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust standard deviation over the last axis; NaN where nothing is known."""
    with warnings_taken(RuntimeWarning):  # a bad channel is all NaN
        median = np.nanmedian(values, axis=-1)
        deviation = _NORMAL * np.nanmedian(np.abs(values - median[..., None]), axis=-1)
    return median, np.maximum(deviation, 1e-6)


def _course(channels: np.ndarray, patch: float) -> np.ndarray:
    """The mean over channels `(patches,)`, smoothed; NaN where no channel is known."""
    known = ~np.isnan(channels)
    n_known = known.sum(axis=0)
    mean = np.where(known, channels, 0.0).sum(axis=0) / np.maximum(n_known, 1)
    window = np.ones(max(1, round(SMOOTHING_SECONDS / patch)))
    weight = np.convolve(n_known > 0, window, mode="same")
    course = np.convolve(mean, window, mode="same") / np.maximum(weight, 1)
    return np.where(n_known > 0, course, np.nan)
