# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Listens for the page: opens a recording, the built-in example or an LSL stream, and shows it while it arrives."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import torch
from scipy.signal import butter, sosfilt

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel
from get_hf.live.hearing import RecordingSource, Source
from get_hf.live.listener import USUAL_IS_KNOWN, Listener
from get_hf.live.running import Forecasts, hear
from get_hf.live.source import LiveSource
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.space import looks, session
from get_hf.space.live_scene import TRACE_SECONDS, Scene
from get_hf.space.session import Pace

if TYPE_CHECKING:
    from get_hf.space.runs import Run

#: Speeds of a replay that a visitor can choose, by what the visitor reads.
SPEEDS = {"real speed": 1.0, "2x": 2.0, "4x": 4.0, "8x": 8.0}
#: Fewest and most seconds that show what is usual, as a visitor can choose.
LEAST_USUAL, MOST_USUAL = 20.0, 60.0
#: Longest recording that is played, in seconds; only the end of a longer recording is read.
MAX_PLAYED_SECONDS = 300.0
#: Seconds after which listening ends: of a page that serves others, and of a page on one's own machine.
HOSTED_SECONDS, OWN_SECONDS = 180.0, 3600.0
#: Seconds between two frames, and seconds of traces in a narrow window.
FRAME_SECONDS, NARROW_SECONDS = 0.4, 5.0
#: Length of a forecast in seconds, and its number of continuations. Of n + 1 signals that are equally likely, the last
#: one lies within the range of the others in (n - 1) / (n + 1) of all cases: here 90 %.
FORECAST_SECONDS, N_CONTINUATIONS = 2.0, 19
#: Seconds by which samples may be heard late before it is said, and number of messages that are shown.
LATE, N_NOTES = 1.0, 2

#: Conditions of the example with their seconds. The first half shows what is usual, of both conditions.
PLAN = [*[("eyes_open", 10.0), ("eyes_closed", 10.0)] * 3, ("eyes_open", 10.0), ("eyes_closed", 15.0)]
PLAN += [("eyes_open", 20.0), ("eyes_closed", 15.0)]
#: Begin and length of the imitated muscle activity in the example, in seconds.
MUSCLES = 95.0, 2.0
#: Sampling rate of the example in Hz, and number of its person: of the first five, one whose eyes the classifier
#: follows, and who has hardly an unusual moment besides the imitated one. For people 3 to 5, "closed" wins too often.
EXAMPLE_RATE, EXAMPLE_PERSON = 100.0, 2
ABOUT_EXAMPLE = (
    "The example is EEG that GET made: eyes open and closed by turns, closed from 1:10 to 1:25 and from 1:45. From "
    "1:35 to 1:37 noise imitates clenched teeth."
)


@dataclass(frozen=True)
class Wishes:
    """Choices of a visitor who listens.

    Attributes:
        speed: Seconds of a recording in a second; one of `SPEEDS`.
        usual_seconds: Seconds at the beginning that show what is usual.
        width: Width of the window in pixels.
    """

    speed: float = 1.0
    usual_seconds: float = MOST_USUAL
    width: float = looks.WIDE

    def __post_init__(self):
        if self.speed not in SPEEDS.values():
            raise ValueError(f"The speed is {self.speed:g}, and must be one of {', '.join(SPEEDS)}: choose one.")
        if not LEAST_USUAL <= self.usual_seconds <= MOST_USUAL:
            raise ValueError(
                f"{self.usual_seconds:g} s were chosen to show what is usual, and it must be {LEAST_USUAL:g} to "
                f"{MOST_USUAL:g} s."
            )


def can_hear_lsl() -> bool:
    """Whether MNE-LSL is installed."""
    return find_spec("mne_lsl") is not None


class Example:
    """The example: EEG with open and closed eyes, and noise that imitates clenched teeth.

    Args:
        model: The model, which generates it.
        extractor: Its feature extractor.
    """

    def __init__(self, model: GETModel, extractor: GETFeatureExtractor):
        self._model, self._extractor = model, extractor
        self._raw: mne.io.BaseRaw | None = None

    def ready(self, run: "Run") -> Generator[dict[str, Any], None, mne.io.BaseRaw | None]:
        """Generates the example when it is first asked for.

        Yields:
            Updates.

        Returns:
            The example; None: the run was stopped before it was ready.
        """
        if self._raw is None:
            signal = yield from self._generate(run)
            if run.ended:
                return None
            _clench(signal)
            info = mne.create_info(list(USUAL_CHANNELS), EXAMPLE_RATE, "eeg")
            self._raw = mne.io.RawArray(1e-6 * signal, info, verbose="ERROR")
        return self._raw

    def _generate(self, run: "Run") -> Generator[dict[str, Any], None, np.ndarray]:
        """Returns EEG `(channels, times)` in microvolts, and yields updates meanwhile."""
        seconds = sum(length for _, length in PLAN)
        features = self._extractor(ch_names=USUAL_CHANNELS, person=EXAMPLE_PERSON, next_condition=PLAN)
        patch_seconds = self._extractor.patch_size / self._extractor.sampling_rate
        n_patches, noise = round(seconds / patch_seconds), torch.Generator().manual_seed(EXAMPLE_PERSON)
        source = LiveSource(self._model, self._extractor, features, EXAMPLE_RATE, n_patches, generator=noise)
        made: list[np.ndarray] = []
        pace = Pace(FRAME_SECONDS)
        source.start()
        try:
            while not run.ended:
                try:
                    patch = source.take(0.2)
                except EOFError:
                    break
                if patch is not None:
                    made.append(patch.signal)
                if made and pace.due():
                    done = len(made) * patch_seconds
                    said = f"Generating the example, once: {done:.0f} of {seconds:.0f} s."
                    yield {"message": looks.message(said, share=done / seconds)}
        finally:
            source.stop()
        return np.concatenate(made, axis=-1) if made else np.zeros((len(USUAL_CHANNELS), 0))


def _clench(signal: np.ndarray) -> None:
    """Adds noise above 20 Hz to a signal `(channels, times)` in microvolts, as of the muscles at the temples."""
    begin, length = (round(EXAMPLE_RATE * seconds) for seconds in MUSCLES)
    noise = np.random.default_rng(0).standard_normal((len(signal), length))
    noise = sosfilt(butter(4, 20.0, "highpass", fs=EXAMPLE_RATE, output="sos"), noise) * np.hanning(length)
    is_near = np.isin(USUAL_CHANNELS, ("F7", "F8", "T7", "T8"))
    signal[:, begin : begin + length] += np.where(is_near, 60.0, 12.0)[:, None] * noise


def play(raw: mne.io.BaseRaw, ch_names: Sequence[str], name: str, wishes: Wishes) -> tuple[Source, float]:
    """Returns a source that replays a recording, and the seconds that show what is usual: at most half of it.

    They come as fast as they are read, so that nobody waits for them, and a little more, which completes them.

    Raises:
        ValueError: The recording is too short, too many channels were chosen, or it lacks one of them.
    """
    seconds = raw.n_times / raw.info["sfreq"]
    if seconds < 2 * LEAST_USUAL:
        raise ValueError(
            f"{name} is {seconds:.3g} s long, and half of it shows what is usual, {LEAST_USUAL:g} s at least: choose "
            f"a recording of {2 * LEAST_USUAL:g} s or more, better minutes."
        )
    usual = min(wishes.usual_seconds, math.floor(seconds / 2))
    chosen = session.chosen(raw, ch_names)
    return RecordingSource(chosen, name, wishes.speed, hurried_seconds=usual + 0.5), usual


def hear_lsl(name: str) -> Source:
    """Connects to an LSL stream; if it has more channels than are heard here, to the usual ones.

    Raises:
        ValueError: There is no such stream, or it has no EEG.
    """
    from get_hf.live.lsl import LSLSource

    source = LSLSource(name)
    if len(source.info["ch_names"]) > session.MAX_CHANNELS:
        usual = session.usual_channels(source.info["ch_names"])
        source.close()
        source = LSLSource(name, usual)
    return source


def listen(
    run: "Run",
    source: Source,
    models: tuple[GETModel, GETFeatureExtractor],
    classifier: tuple[GETForSequenceClassification, GETFeatureExtractor] | None,
    usual_seconds: float,
    wishes: Wishes,
    most_seconds: float,
    notes: list[str],
) -> Iterator[dict[str, Any]]:
    """Listens to a source, and shows it while it arrives.

    Args:
        run: The run, which ends when its visitor stops it.
        source: What is heard; it is closed in the end.
        models: Model and feature extractor.
        classifier: A classifier and its feature extractor. None: no classes are shown.
        usual_seconds: Seconds at the beginning that show what is usual.
        wishes: Choices of the visitor.
        most_seconds: Seconds of the clock after which listening ends.
        notes: What is known already.

    Yields:
        Updates.

    Raises:
        ValueError: The classifier does not fit the model, or the beginning cannot show what is usual.
    """
    narrow = wishes.width < looks.NARROW
    shown, window = NARROW_SECONDS if narrow else TRACE_SECONDS, None
    if classifier is not None:
        window = classifier[0].config.window_seconds
    if usual_seconds < MOST_USUAL:
        notes = [*notes, f"Only {usual_seconds:g} s show what is usual: with more, fewer moments seem unusual."]
    with ExitStack() as stack:
        stack.callback(source.close)
        listener = Listener(*models, source.info, None, usual_seconds, classifier)
        scene = Scene(listener, models[1].sampling_rate, shown, N_CONTINUATIONS, window)
        forecasts = Forecasts(listener, FORECAST_SECONDS, scene.take_forecast, N_CONTINUATIONS, FORECAST_SECONDS)
        stack.callback(forecasts.close)  # the place of this run is free when nothing is computed any more
        pace, until = Pace(FRAME_SECONDS), time.monotonic() + most_seconds
        for heard in hear(source, listener, lambda: run.ended or time.monotonic() > until):
            scene.take(heard)
            forecasts.begin()
            if pace.due() and scene.now:
                yield {"message": _said(scene, source, notes), "live": looks.live(scene, wishes.width)}
        scene.is_over = True
        notes = notes + _told(listener)
        if not run.stopped and time.monotonic() > until:
            notes.append(f"Ended after {most_seconds:.0f} s: press Listen again to hear more.")
        message = looks.message(_heard(listener), notes)
        yield {"message": message, "live": looks.live(scene, wishes.width), **looks.stop(False)}


def _said(scene: Scene, source: Source, notes: list[str]) -> str:
    """The sentence above the picture."""
    listener = scene.listener
    if listener.reference is None:
        heard, needed = listener.usual_seconds
        return looks.message(
            f"Learning what is usual: {heard:.0f} of {needed:.0f} s.", notes, share=min(1.0, heard / needed)
        )
    whole = f" of {looks.clock(source.seconds)}" if isinstance(source, RecordingSource) else ""
    said = f"Listening to {source.name}: {looks.clock(scene.now)}{whole}."
    if scene.judged:
        last = scene.findings[-1][1]
        is_unusual = last > listener.threshold
        said += "" if np.isnan(last) else f" Surprise {last:.1f}, {'unusual' if is_unusual else 'usual'}."
    if scene.windows:
        shares = scene.windows[-1][1]
        name = listener.classes[int(shares.argmax())].replace("_", " ")
        said += f" {name[0].upper()}{name[1:]}: {100 * shares.max():.0f} %."
    told = _told(listener)[-N_NOTES:]
    if source.behind > LATE:
        told.append(f"This computer is {source.behind:.0f} s behind: choose a lower speed, or fewer channels.")
    return looks.message(said, notes + told)


def _told(listener: Listener) -> list[str]:
    """What happened to the stream, with its time."""
    return [f"{looks.clock(at)} {note}." for at, note in listener.notes if note != USUAL_IS_KNOWN]


def _heard(listener: Listener) -> str:
    """A sentence about all that was heard."""
    if listener.reference is None:
        heard, needed = listener.usual_seconds
        return f"Heard {listener.seconds:.0f} s, and what is usual is not known yet ({heard:.0f} of {needed:.0f} s)."
    unusual = listener.scores().events
    seconds = sum(duration for _, duration, _ in unusual)
    moments = "no unusual moment" if not unusual else f"{len(unusual)} unusual moment{'s' * (len(unusual) > 1)}"
    return f"Heard {looks.clock(listener.seconds)}: {moments}" + (f", {seconds:.3g} s in all." if unusual else ".")
