# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Listens to EEG while it is recorded, and says for each patch how unusual it is.

A listener knows neither where samples come from nor where its findings go. Cleaning, blinks and heartbeats, the
transform and the model are those of `score_recording` and `classify`. A patch waits for some seconds of later samples,
because the filters have zero phase. After an interruption, a new stretch begins, and no filter reaches across.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import mne
import numpy as np

from get_hf.live.grid import Stretch
from get_hf.live.judging import N_DRAWS, Forecast, Forecaster, PatchScorer, WindowClassifier, check_classifier
from get_hf.live.preparing import BLOCK_SECONDS, Prepared, Preparer, dead_blocks, filled
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.processing.calibration_get import check_same_channels
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.scoring import (
    SETTLING_SECONDS,
    SMOOTHING_SECONDS,
    THRESHOLD,
    Reference,
    Scores,
    deviations,
    fit_reference,
    scores_of_means,
)
from get_hf.thread_warnings import warnings_taken

#: Seconds of later samples for which a patch waits.
LOOKAHEAD_SECONDS = 2.0
#: Seconds of the stream that show what is usual.
REFERENCE_SECONDS = 60.0
#: Seconds from one classified window to the next.
EVERY_SECONDS = 1.0
#: Most patches that the model scores at once, where they wait.
PATCHES_AT_ONCE = 16
#: Note that the reference is complete.
USUAL_IS_KNOWN = "what is usual is known"
#: Share of the reference in which a channel may be dead.
MOST_DEAD = 0.1


@dataclass(frozen=True)
class Finding:
    """What a listener says of a patch.

    Attributes:
        time: Time stamp of the end of the patch, by the clock of the stream, in seconds.
        seconds: Begin of the patch in seconds from the first sample that was heard.
        channels: `(channels,)`: surprise or loudness in deviations of the reference, see `Scores`; NaN for channels
            that are left out, and in the first seconds of a stretch.
        surprise: The mean over channels of the last two seconds, in deviations of the reference. It is the `course` of
            `score_recording` three patches before, which looks as far ahead. NaN if this patch has no score.
        microvolts: `(channels,)`: root mean square of the clean patch in microvolts; NaN for channels that are left
            out.
        clean: `(channels, patch_size)`: the patch after cleaning, in microvolts at the model's rate, of all channels.
        probabilities: Probabilities `(classes,)` of the window that ends with this patch. None: no window ends here.
        note: What happened to the stream since the patch before.
    """

    time: float
    seconds: float
    channels: np.ndarray
    surprise: float
    microvolts: np.ndarray
    clean: np.ndarray
    probabilities: np.ndarray | None = None
    note: str = ""


@dataclass
class _Waiting:
    """A patch that waits for its score, and what is known of it already."""

    patch: Prepared
    probabilities: np.ndarray | None
    note: str


class Listener:
    """Says for each patch of a stream how unusual it is, and which class the last window has.

    What it says does not depend on how many samples come at once.

    Args:
        model: The model.
        extractor: Its feature extractor.
        info: Names, positions and sampling rate of the channels. All of them are EEG.
        reference: What is usual, as `fit_reference` returns it. None: the first `reference_seconds` of the stream.
        reference_seconds: See `reference`.
        classifier: A classifier and its feature extractor. None: no classes.
        every_seconds: Seconds from one classified window to the next.
        lookahead_seconds: Seconds of later samples for which a patch waits.
        threshold: Deviations of the reference above which a moment is unusual.

    Attributes:
        ch_names: Names of the channels.
        sampling_rate: Sampling rate of the stream in Hz.
        classes: Names of the classes; empty without a classifier.
        good: `(channels,)` bool: channels that are used at present.
        patch_seconds: Length of a patch.
        reference: What is usual. None: it is not known yet.
        n_samples: Number of samples that were heard.
        seconds: Seconds from the first sample that was heard to the last one.
        notes: The last messages about the stream, each with the seconds at which something happened.

    Raises:
        ValueError: The channels differ from those of the reference, or the classifier does not fit the model.
    """

    def __init__(
        self,
        model: GETModel,
        extractor: GETFeatureExtractor,
        info: mne.Info,
        reference: Reference | None = None,
        reference_seconds: float = REFERENCE_SECONDS,
        classifier: tuple[GETForSequenceClassification, GETFeatureExtractor] | None = None,
        every_seconds: float = EVERY_SECONDS,
        lookahead_seconds: float = LOOKAHEAD_SECONDS,
        threshold: float = THRESHOLD,
    ):
        self._model, self._extractor, self._info = model, extractor, info
        self.ch_names, self.sampling_rate = list(info["ch_names"]), float(info["sfreq"])
        self._size, self._rate = extractor.patch_size, extractor.sampling_rate
        self.patch_seconds = self._size / self._rate
        self._n_ahead = round(lookahead_seconds * self._rate)
        self._n_past = self._n_kept = round(model.config.context_seconds / self.patch_seconds)
        self._n_settling = round(SETTLING_SECONDS / self.patch_seconds)
        self._classifier, self._every = classifier, every_seconds
        self.threshold = threshold
        self.classes: list[str] = []
        if classifier is not None:
            self.classes = [classifier[0].config.id2label[index] for index in range(classifier[0].config.num_labels)]
            windows = check_classifier(*classifier, extractor, every_seconds)
            self._n_kept = max(self._n_kept, windows.n_window)
        self._n_usual, self._usual, self._cuts = round(reference_seconds * self.sampling_rate), [], []
        self.notes: deque[tuple[float, str]] = deque(maxlen=100)
        self._untold: list[str] = []
        self._means: list[float] = []
        self.good = np.ones(len(self.ch_names), dtype=bool)
        self.n_samples, self.seconds = 0, 0.0
        self._clock: float | None = None  # time stamp of second 0
        self._stretch: Stretch | None = None
        self._preparer: Preparer | None = None
        self._refusal = ""
        self.reference: Reference | None = None
        if reference is not None:
            check_same_channels(reference.calibration.ch_names, self.ch_names)
            self._know(reference)

    def push(self, samples: np.ndarray, times: np.ndarray) -> list[Finding]:
        """Takes the next samples.

        Args:
            samples: `(channels, n)` in microvolts. Samples that are not finite make their channel bad for a while.
            times: `(n,)` time stamps by the clock of the stream, in seconds.

        Returns:
            What is to be said of the patches that are complete now.

        Raises:
            ValueError: The arrays have other shapes, or the first part of the stream cannot be a reference.
        """
        samples, times = np.asarray(samples, np.float64), np.asarray(times, np.float64)
        if samples.shape != (len(self.ch_names), len(times)):
            raise ValueError(
                f"The samples are of shape {samples.shape} with {times.shape} times, and the stream has "
                f"{len(self.ch_names)} channels: give (channels, n) and (n,)."
            )
        found: list[Finding] = []
        while len(times):
            if self._stretch is None:
                self._begin(float(times[0]))
            assert self._stretch is not None
            n, why = self._stretch.take(samples, times)
            self.n_samples += n
            samples, times = samples[:, n:], times[n:]
            found += self._advance()
            if why is not None:
                found += self.finish()
                assert self._clock is not None
                missing = float(times[0]) - self._clock - self.seconds
                if why == "restart":
                    self._clock = None  # it counts from another moment
                    self.tell("the clock jumped back: the amplifier has been started again")
                else:
                    self.tell(f"{missing:.3g} s are missing")
        return found

    def finish(self) -> list[Finding]:
        """Ends the stretch, and returns what is to be said of its last patches, which wait for no more samples.

        Samples that are pushed later begin another stretch.
        """
        if self._stretch is None:
            return []
        found = self._advance(is_end=True)
        self._stretch = None
        return found

    def tell(self, note: str) -> None:
        """Notes what happened to the stream."""
        self.notes.append((self.seconds, note))
        self._untold.append(note)

    def forecast(self, seconds: float, n_draws: int = N_DRAWS) -> Callable[[], Forecast | None] | None:
        """Returns a function that computes how the stream may go on after the last patch.

        The function takes its time, and may be called in another thread.

        Args:
            seconds: Length of the forecast.
            n_draws: Number of continuations.

        Returns:
            The function; None: there is no past yet, or it holds no EEG.
        """
        preparer = self._preparer
        if self.reference is None or preparer is None or preparer.refusal:
            return None
        if preparer.clean.shape[-1] <= self._n_settling * self._size:
            return None
        forecaster = Forecaster(self._model, self._extractor, self.reference, self._info, seconds, n_draws)
        return forecaster.prepare(preparer.clean, self.good, (self._at + preparer.next) * self.patch_seconds)

    def scores(self) -> Scores:
        """The scores of all patches so far, as `score_recording` returns them, without those of single channels.

        Raises:
            ValueError: The reference is not complete.
        """
        if self.reference is None:
            raise ValueError(
                f"The stream ended after {self.seconds:.3g} s, and {self._n_usual / self.sampling_rate:g} s show what "
                "is usual: listen for longer, or give a reference."
            )
        n_patches = int(self.seconds / self.patch_seconds + 1e-6)
        means = np.array([*self._means, *[np.nan] * (n_patches - len(self._means))])
        return scores_of_means(means, self.reference, self.patch_seconds, self.seconds, self.threshold)

    @property
    def usual_seconds(self) -> tuple[float, float]:
        """Seconds that show what is usual: those that were heard, and those that are needed."""
        heard = sum(part.shape[-1] for part in self._usual) if self.reference is None else self._n_usual
        return heard / self.sampling_rate, self._n_usual / self.sampling_rate

    def _begin(self, time: float) -> None:
        """Begins a stretch at a time stamp. Patches are counted from the first sample that was heard."""
        if self._clock is None:  # another clock goes on with the next whole patch
            self._clock = time - math.ceil(self.seconds / self.patch_seconds - 1e-6) * self.patch_seconds
        self._begins = time - self._clock
        self._stretch, self._preparer = Stretch(len(self.ch_names), self.sampling_rate, time), None
        self._n_bridged = self._n_dropped = self._n_learnt = self._told_from = 0
        self._at = math.ceil(self._begins / self.patch_seconds - 1e-6)
        if self.reference is None and self._usual:
            self._cuts.append(sum(part.shape[-1] for part in self._usual))

    def _advance(self, is_end: bool = False) -> list[Finding]:
        """Says what can be said with the samples that are there."""
        stretch = self._stretch
        assert stretch is not None
        n = stretch.settle(is_end)
        self.seconds = max(self.seconds, self._begins + stretch.n_times / self.sampling_rate)
        self._tell_of_samples(stretch)
        if self.reference is None and not self._learn(stretch, n):
            return []
        assert self.reference is not None
        if self._preparer is None:
            skip = max(0, round((self._at * self.patch_seconds - self._begins) * self._rate))
            sizes = self._told_from, self._n_past, self._n_kept, self._n_ahead
            self._preparer = Preparer(
                stretch, self.sampling_rate, self._extractor, self.reference.calibration, skip, *sizes
            )
        preparer = self._preparer
        found: list[Finding] = []
        waiting: list[_Waiting] = []
        while preparer.is_within(n) and self._is_whole(preparer) if is_end else preparer.n_needed <= n:
            patch = preparer.prepare(n)
            if waiting and (patch.past is not None or len(waiting) == PATCHES_AT_ONCE):
                found += self._judged(waiting)
                waiting = []
            if patch.past is not None:
                self._tell_of_channels(patch.good, preparer.refusal)
                if patch.good.any():
                    self._scorer.begin(patch.good, patch.past)
            note, self._untold = "; ".join(self._untold), []
            waiting.append(_Waiting(patch, self._classified(patch, preparer), note))
        found += self._judged(waiting)
        preparer.forget()
        return found

    def _is_whole(self, preparer: Preparer) -> bool:
        """Whether the next patch ends before the stream does."""
        return (self._at + preparer.next + 1) * self.patch_seconds <= self.seconds + 1e-6

    def _classified(self, patch: Prepared, preparer: Preparer) -> np.ndarray | None:
        """Probabilities of the window that ends with a patch, if one does."""
        if self._windows is None or not patch.good.any():
            return None
        settings, n_times = self._windows.settings, self._windows.n_times
        n_later = patch.number + 1 - settings.n_window  # patches since the first window ended
        if n_later < 0 or n_later % settings.n_stride:
            return None
        return self._windows.classify(preparer.brain[patch.good][:, -n_times:], patch.good)

    def _judged(self, waiting: list[_Waiting]) -> list[Finding]:
        """Scores patches that use the same channels."""
        if not waiting:
            return []
        assert self.reference is not None
        assert self._stretch is not None
        good = waiting[0].patch.good
        n_chans = len(good)
        nats = np.full((n_chans, len(waiting)), np.nan)
        if good.any():
            nats = self._scorer.score(np.concatenate([each.patch.values for each in waiting], axis=-1))
        loud = np.stack([each.patch.loud for each in waiting], axis=-1)
        channels = deviations(nats, loud, self.reference)
        found = []
        for each, row in zip(waiting, channels.T, strict=True):
            patch = each.patch
            if patch.number < self._n_settling:
                row = np.full(n_chans, np.nan)
            place = self._at + patch.number
            self._means += [np.nan] * (place - len(self._means))
            known = ~np.isnan(row)
            self._means.append(float(row[known].mean()) if known.any() else np.nan)
            end = (place + 1) * self.patch_seconds
            time = self._stretch.start + (end - self._begins)
            microvolts = np.where(patch.good, np.sqrt((patch.clean**2).mean(axis=-1)), np.nan)
            found.append(
                Finding(
                    time,
                    end - self.patch_seconds,
                    row,
                    self._surprise(),
                    microvolts,
                    patch.clean,
                    each.probabilities,
                    each.note,
                )
            )
        return found

    def _surprise(self) -> float:
        """The mean of the last seconds, in deviations of the reference."""
        assert self.reference is not None
        if np.isnan(self._means[-1]):
            return math.nan
        last = np.nanmean(self._means[-max(1, round(SMOOTHING_SECONDS / self.patch_seconds)) :])
        return float((last - self.reference.mean_median) / self.reference.mean_deviation)

    def _tell_of_samples(self, stretch: Stretch) -> None:
        bridged, dropped = stretch.n_bridged, stretch.n_late + stretch.n_duplicates
        if bridged > self._n_bridged:
            self.tell(f"missing samples bridged: {bridged - self._n_bridged}")
        if dropped > self._n_dropped:
            self.tell(f"samples that came twice or too late: {dropped - self._n_dropped}")
        self._n_bridged, self._n_dropped = bridged, dropped

    def _tell_of_channels(self, good: np.ndarray, refusal: str) -> None:
        """Notes which channels are left out from now on, and which are used again."""
        if refusal and refusal != self._refusal:
            self.tell(refusal)
        if not refusal:
            for what, changed in (("left out", self.good & ~good), ("used again", good & ~self.good)):
                names = [name for name, is_one in zip(self.ch_names, changed, strict=True) if is_one]
                if names:
                    self.tell(f"{what}: {', '.join(names)}")
            self.good = good
        self._refusal = refusal

    def _learn(self, stretch: Stretch, n: int) -> bool:
        """Gathers what is usual, and returns whether it is known now."""
        self._usual.append(stretch.read(self._n_learnt, n).copy())
        self._n_learnt = n
        n_more = sum(part.shape[-1] for part in self._usual) - self._n_usual
        if n_more < 0:
            past = (self._n_past + 1) * self.patch_seconds + 10.0  # seconds with those that filters need
            stretch.forget(n - round(past * self.sampling_rate))
            return False
        data = np.concatenate(self._usual, axis=-1)[:, : self._n_usual]
        block, info = round(BLOCK_SECONDS * self.sampling_rate), self._info.copy()
        dead = dead_blocks(data, block).mean(axis=-1) > MOST_DEAD
        if not dead.all():  # what is wrong with all of them is an error of the reference
            data = filled(data, block)
            info["bads"] = [name for name, is_dead in zip(self.ch_names, dead, strict=True) if is_dead]
        raw = mne.io.RawArray(1e-6 * data, info, verbose="ERROR")
        cuts = [cut / self.sampling_rate for cut in self._cuts if cut < self._n_usual]
        raw.set_annotations(mne.Annotations(cuts, 0.0, "BAD boundary"), verbose="ERROR")
        with warnings_taken():  # which channels are left out is told below
            reference = fit_reference(raw, self._model, self._extractor)
        self._usual, self._cuts = [], []
        ends = self._begins + (n - n_more) / self.sampling_rate
        self._told_from = max(0, math.ceil(ends / self.patch_seconds - 1e-6) - self._at)
        self._know(reference)
        self.tell(USUAL_IS_KNOWN)
        return True

    def _know(self, reference: Reference) -> None:
        """Takes what is usual."""
        self.reference, calibration = reference, reference.calibration
        self._scorer = PatchScorer(self._model, self._extractor, calibration)
        self._windows: WindowClassifier | None = None
        if self._classifier is not None:
            self._windows = WindowClassifier(*self._classifier, self._extractor, reference, self._every)
