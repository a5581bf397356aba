# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Classifies recordings of any length, window by window, and writes what was found."""

import csv
import json
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from transformers.feature_extraction_utils import BatchFeature

from get_hf.long_recordings import LongRecording, calibrate
from get_hf.modeling.modeling_get import GETForSequenceClassification
from get_hf.modeling.pipeline_get import window_scores
from get_hf.outputs import MAKER
from get_hf.processing.calibration_get import POLICIES, Calibration, check_same_channels
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.files import written_whole
from get_hf.processing.reading_get import CALIBRATION_SECONDS
from get_hf.recordings import checkpoint_of
from get_hf.windows import WindowSettings

if TYPE_CHECKING:
    import mne
    from matplotlib.figure import Figure

#: Seconds of windows that are prepared at once, unless one window is longer. Blinks are found less well in shorter
#: pieces, which would need less memory.
PIECE_SECONDS = CALIBRATION_SECONDS
#: Seconds on both sides of a piece in which blinks and heartbeats are sought too.
CONTEXT_SECONDS = 10.0
#: Word for the class of a window whose highest probability lies below the threshold.
UNDECIDED = ""


@dataclass
class Classification:
    """The windows of a recording and the probabilities of their classes.

    Attributes:
        recording: Name of the recording's file; empty where it was no file.
        seconds: Length of the recording.
        classes: Names of the classes by id.
        starts: `(windows,)` seconds from the first sample.
        ends: `(windows,)` seconds from the first sample.
        scores: `(windows, classes)` probabilities.
        frequencies: `(frequencies,)` Hz.
        spectra: `(windows, frequencies)` power density in square microvolts per Hz, the mean over good channels.
        masked: Number of windows in which a channel was not used, by its name.
        threshold: Least probability of a class; windows whose highest one lies below are undecided. None: no such
            bound.
        settings: Arguments of `classify` as they were used.
        checkpoint: What identifies the model: `checkpoint` (with its revision), where it has a name, and
            `weights_sha256`.
    """

    recording: str
    seconds: float
    classes: list[str]
    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    frequencies: np.ndarray
    spectra: np.ndarray
    masked: dict[str, int]
    threshold: float | None
    settings: dict[str, Any]
    checkpoint: dict[str, str]

    @cached_property
    def labels(self) -> list[str]:
        """The most probable class of each window; an empty text for undecided windows."""
        least = -np.inf if self.threshold is None else self.threshold
        return [self.classes[row.argmax()] if row.max() >= least else UNDECIDED for row in self.scores]

    @property
    def vote(self) -> dict[str, float]:
        """Mean probability of each class over the windows, the highest first."""
        means = self.scores.mean(axis=0)
        return {self.classes[index]: float(means[index]) for index in np.argsort(-means, kind="stable")}

    @property
    def counts(self) -> dict[str, int]:
        """Number of windows of each class, and of undecided ones (an empty text) where there is a threshold."""
        found = Counter(self.labels)
        return {name: found[name] for name in (*self.classes, *([UNDECIDED] if self.threshold is not None else []))}

    def spans(self) -> list[tuple[float, float, str]]:
        """(start, end, class) in seconds from the first sample; consecutive windows of one class are one span.

        Where windows of two classes overlap, the border is in the middle of the overlap.
        """
        spans: list[tuple[float, float, str]] = []
        before: Any = None
        for start, end, label in zip(self.starts.tolist(), self.ends.tolist(), self.labels, strict=True):
            touches = before is not None and start <= before[1] + 1e-6
            if touches and label == before[2]:
                spans[-1] = (spans[-1][0], end, label)
            elif touches:
                border = 0.5 * (start + before[1])
                spans[-1] = (spans[-1][0], border, spans[-1][2])
                spans.append((border, end, label))
            else:
                spans.append((start, end, label))
            before = (start, end, label)
        return [span for span in spans if span[2] != UNDECIDED]

    def annotations(self) -> "mne.Annotations":
        """The spans of the classes, for `raw.set_annotations`; onsets count from the first sample of the recording."""
        import mne

        spans = self.spans()
        return mne.Annotations(
            [start for start, _, _ in spans], [end - start for start, end, _ in spans], [name for *_, name in spans]
        )

    def to_annotations(self, path: str | Path) -> None:
        """Writes `annotations` to a file that `mne.read_annotations` reads: `-annot.fif`, `.csv` or `.txt`."""
        with written_whole(Path(path)) as partial:
            self.annotations().save(partial, overwrite=True, verbose="ERROR")

    def to_csv(self, path: str | Path) -> None:
        """Writes a row for each window: `start`, `end` (seconds), `label`, and the probability of each class."""
        with written_whole(Path(path)) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["start", "end", "label", *self.classes])
            for window in self._windows():
                rows.writerow([window["start"], window["end"], window["label"], *window["scores"].values()])

    def to_json(self, path: str | Path) -> None:
        """Writes the windows, the vote, the settings and what identifies the model."""
        vote, counts = self.vote, self.counts
        told = {
            "classified_by": MAKER,
            "version": version("get-hf"),
            "recording": self.recording,
            "seconds": round(self.seconds, 6),
            **self.checkpoint,
            "settings": self.settings,
            "vote": next(iter(vote)),
            "votes": {name: {"score": round(score, 6), "windows": counts[name]} for name, score in vote.items()},
            "undecided": counts.get(UNDECIDED, 0),
            "masked_channels": self.masked,
            "windows": self._windows(),
        }
        with written_whole(Path(path)) as partial:
            partial.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def plot(self) -> "Figure":
        """Draws the spectrogram of the recording, and below it the probabilities of the classes.

        Returns:
            A matplotlib figure, to be saved with `savefig`.
        """
        from get_hf.plotting_findings import plot_classification

        return plot_classification(self)

    def _windows(self) -> list[dict[str, Any]]:
        return [
            {
                "start": round(start, 4),
                "end": round(end, 4),
                "label": label,
                "scores": {name: round(score, 6) for name, score in zip(self.classes, row, strict=True)},
            }
            for start, end, label, row in zip(
                self.starts.tolist(), self.ends.tolist(), self.labels, self.scores.tolist(), strict=True
            )
        ]


def classify(
    recording: Any,
    model: GETForSequenceClassification,
    extractor: GETFeatureExtractor,
    *,
    window_seconds: float | None = None,
    stride_seconds: float | None = None,
    calibrate_on: Any = "each",
    threshold: float | None = None,
    channels: Sequence[str] | None = None,
    unit: str | None = None,
    piece_seconds: float = PIECE_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> Classification:
    """Classifies the windows of a recording of any length, in pieces that need little memory.

    All windows share one transform to the innovation space, so that the differences between them remain. Parts that
    are annotated bad (`BAD_...`) have no window, and no window reaches across an interruption. In each good stretch,
    windows are where `pipeline("eeg-classification")` has them for a recording of that stretch alone: the first begins
    with the stretch, the last ends with it.

    A recording of up to ten minutes is one piece. Windows do not depend on `piece_seconds`, except through blinks and
    heartbeats, which are sought in each piece with ten seconds around it.

    Args:
        recording: A file of any format MNE reads, or a continuous `mne.io.Raw`, which need not be loaded.
        model: A classifier.
        extractor: Its feature extractor.
        window_seconds: Length of a window, rounded to patches. None: as in training (`config.window_seconds`).
        stride_seconds: Distance between the starts of windows. None: `config.stride_seconds`, or else without overlap.
        calibrate_on: What the transform is estimated from: "each" or "all" (of one recording the same: the recording
            itself, or stretches of ten minutes in total that are spread evenly over a longer one); a `Calibration`, as
            `extractor.calibrate` returns it; or another recording of the same channels, as for `recording`.
        threshold: Least probability of a class. Windows whose highest probability lies below it are undecided.
        channels: Of a file: names of the channels to read. None: all EEG channels.
        unit: Of a file: unit of its numbers (V, mV, uV or nV), where it names none.
        piece_seconds: How much is prepared at once, in seconds.
        progress: Called with the whole seconds that are done and those of the recording.

    Raises:
        FileNotFoundError: There is no such file.
        TypeError: The recording is neither a file nor a continuous `mne.io.Raw`.
        ValueError: An argument is out of range, several classes of the checkpoint can be true at once, the channels
            differ from those to calibrate on, no stretch is as long as a window, or the recording holds no EEG.
    """
    settings = WindowSettings.of(model, window_seconds, stride_seconds, piece_seconds)
    if threshold is not None and not 0 < threshold <= 1:
        raise ValueError(f"threshold must be a probability above 0 and at most 1, not {threshold!r}.")
    model.config.check_extractor(extractor.to_dict())
    opened = LongRecording(recording, extractor, channels, unit)
    plan = _plan(opened, settings)
    is_own = isinstance(calibrate_on, str) and calibrate_on in POLICIES
    calibration = None
    # a recording that is one piece is transformed by itself, and need not be cleaned and searched for events twice
    if not is_own or len(opened.stretches) > 1 or len(plan) > 1 or opened.seconds > CALIBRATION_SECONDS:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            calibration = _calibration(calibrate_on, opened, extractor, channels, unit)
        _tell_once(heard)
        check_same_channels(calibration.ch_names, opened.ch_names)
    windows, masked = _classified(plan, opened, model, extractor, calibration, settings, progress)
    starts, ends, scores, spectra = (np.array(column) for column in zip(*windows, strict=True))
    config = model.config
    name = recording if isinstance(recording, (str, Path)) else next(iter(opened.raw.filenames or [None]), None)
    return Classification(
        recording=Path(name).name if name else "",
        seconds=opened.seconds,
        classes=[config.id2label[index] for index in range(config.num_labels)],
        starts=starts,
        ends=ends,
        scores=scores,
        frequencies=settings.frequencies(extractor.sampling_rate),
        spectra=spectra,
        masked=masked,
        threshold=threshold,
        settings={
            "window_seconds": settings.n_window * settings.patch_seconds,
            "stride_seconds": settings.n_stride * settings.patch_seconds,
            "calibrate_on": _described(calibrate_on),
            "threshold": threshold,
            "channels": opened.ch_names,
        },
        checkpoint=checkpoint_of(model),
    )


def _plan(opened: LongRecording, settings: WindowSettings) -> list[tuple[tuple[int, int], int, list[int]]]:
    """(stretch, its patches, first patches of windows) for each piece of a recording."""
    plan = []
    for stretch in opened.stretches:
        n_patches = -(-opened.n_cleaned(stretch) // settings.patch_size)
        plan += [(stretch, n_patches, group) for group in settings.pieces(settings.starts(n_patches))]
    if not plan:
        longest = max(opened.n_cleaned(stretch) for stretch in opened.stretches) / opened.extractor.sampling_rate
        raise ValueError(
            f"The longest good stretch of the recording is {longest:.3g} s long, shorter than one window of "
            f"{settings.n_window * settings.patch_seconds:g} s: give a longer recording, or a shorter window_seconds= "
            "(--window)."
        )
    return plan


def _calibration(
    calibrate_on: Any,
    opened: LongRecording,
    extractor: GETFeatureExtractor,
    channels: Sequence[str] | None,
    unit: str | None,
) -> Calibration:
    if isinstance(calibrate_on, Calibration):
        return calibrate_on
    if isinstance(calibrate_on, str) and calibrate_on in POLICIES:
        return calibrate([opened], is_own=True)
    is_file = isinstance(calibrate_on, (str, Path))
    reference = LongRecording(calibrate_on, extractor, *((channels, unit) if is_file else (None, None)))
    return calibrate([reference], is_own=False)


def _classified(
    plan: list[tuple[tuple[int, int], int, list[int]]],
    opened: LongRecording,
    model: GETForSequenceClassification,
    extractor: GETFeatureExtractor,
    calibration: Calibration | None,
    settings: WindowSettings,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[tuple[float, float, np.ndarray, np.ndarray]], dict[str, int]]:
    """(start, end, scores, spectrum) of each window, and the windows in which each masked channel was left out."""
    windows, masked, refused, is_checked = [], Counter(), [], False
    policy = "each" if calibration is None else calibration
    patch, size, n_window = settings.patch_seconds, settings.patch_size, settings.n_window
    around = round(CONTEXT_SECONDS / patch)
    for stretch, n_patches, starts in plan:
        # patches are counted so that the last one ends with the stretch
        n_missing = n_patches * size - opened.n_cleaned(stretch)
        first, last = starts[0], starts[-1] + n_window
        low, high = max(0, first - around), min(n_patches, last + around)
        samples = [(max(0, n * size - n_missing), (n + n_window) * size - n_missing) for n in starts]
        at = max(0, low * size - n_missing)
        eeg = opened.cleaned(stretch, at, high * size - n_missing)
        # the last sample at the model's rate may lie a little after the last one of the stretch
        begin, end = opened.times(stretch)
        seconds = [tuple(min(end, begin + n / extractor.sampling_rate) for n in span) for span in samples]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # which channels are masked is told once, at the end
                features = extractor(eeg, band_limited=True, calibrate_on=policy)
        except ValueError as error:  # a stretch of hours may hold minutes that are no EEG
            refused.append((seconds[0][0], seconds[-1][1], error))
        else:
            if not is_checked:
                positions = features["channel_positions"][features["channel_mask"].bool()]
                extractor.check_montage(model.config.training_channels, positions.numpy())
                is_checked = True
            inputs = _cut(features, first - low, last - low, size).to(model.device)
            found = window_scores(model, inputs, n_window * patch, settings.n_stride * patch)
            good = features["channel_mask"][0].bool().numpy()
            masked.update(dict.fromkeys(np.array(opened.ch_names)[~good], len(starts)))
            microvolts = eeg.get_data(units="uV")[good]
            for (first, last), times, scores in zip(samples, seconds, found[0][0].numpy(), strict=True):
                spectrum = _spectrum(microvolts[:, first - at : last - at], extractor.sampling_rate, settings)
                windows.append((*times, scores, spectrum))
        if progress is not None:
            progress(round(min(seconds[-1][1], opened.seconds)), round(opened.seconds))
    if not windows:
        raise refused[0][2]
    _tell_refused(refused, len(plan))
    if masked:
        named = ", ".join(f"{name} (in {count} of {len(windows)} windows)" for name, count in masked.most_common())
        warnings.warn(f"Channels that are bad, flat or no EEG in amplitude are masked: {named}.", stacklevel=3)
    return windows, {str(name): count for name, count in masked.items()}


def _cut(features: BatchFeature, first: int, last: int, size: int) -> BatchFeature:
    """The patches from `first` to `last` of features of one recording, counted without the start patch."""
    cut = type(features)(dict(features))
    cut.recordings = features.recordings
    before = features["attention_mask"].shape[-1] - int(features["attention_mask"].sum())
    patches = slice(before + first, before + last + 1)  # with one patch before, in the place of the start patch
    cut["input_values"] = features["input_values"][..., patches.start * size : patches.stop * size]
    cut["attention_mask"] = features["attention_mask"][:, patches]
    return cut


def _spectrum(microvolts: np.ndarray, rate: float, settings: WindowSettings) -> np.ndarray:
    """Power density of a window `(channels, times)`, the mean over channels, in square microvolts per Hz."""
    length = min(settings.n_window * settings.patch_size, round(rate))
    missing = max(0, length - microvolts.shape[-1])  # the first patch of a stretch may not be whole
    microvolts = np.pad(microvolts, ((0, 0), (missing, 0)), mode="reflect") if missing else microvolts
    return scipy.signal.welch(microvolts, rate, nperseg=length)[1].mean(axis=0)


def _tell_refused(refused: list[tuple[float, float, ValueError]], n_pieces: int) -> None:
    if refused:
        start, end, error = refused[0]
        more = f", and {len(refused) - 1} other parts" if len(refused) > 1 else ""
        warnings.warn(f"From {start:.4g} to {end:.4g} s{more} there are no windows: {error}", stacklevel=4)


def _tell_once(heard: list[warnings.WarningMessage]) -> None:
    """Repeats warnings, of those that differ only in numbers the first."""
    told = set()
    for each in heard:
        text = str(each.message)
        kind = "".join(letter for letter in text if not letter.isdigit())
        if "are masked" in text or kind in told:  # which channels are masked is told at the end, with how often
            continue
        told.add(kind)
        warnings.warn(text, each.category, stacklevel=3)


def _described(calibrate_on: Any) -> str:
    if isinstance(calibrate_on, Calibration):
        return "all" if calibrate_on.is_own else "a reference"
    if isinstance(calibrate_on, (str, Path)):
        return str(calibrate_on) if calibrate_on in POLICIES else Path(calibrate_on).name
    return "a reference"
