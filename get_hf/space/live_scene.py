# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Keeps what the live view of the page shows: the last seconds of EEG, and what a listener says of them."""

import threading
from collections import deque

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from get_hf.live.judging import N_DRAWS, Forecast
from get_hf.live.listener import Finding, Listener
from get_hf.live.running import Heard

#: Seconds of traces and of the course of the surprise that are shown.
TRACE_SECONDS, COURSE_SECONDS = 10.0, 60.0
#: Seconds of clean EEG that are kept, to compare forecasts with. A slow computer takes its time for a forecast.
KEPT_SECONDS = 60.0
#: Passband in Hz of the filter of the traces, and their largest sampling rate.
PASSBAND, DRAWN_RATE = (0.5, 45.0), 100.0
#: Channels whose forecast is shown, the first of them that is there: alpha waves are large at the back of the head.
SHOWN_FORECASTS = ("Oz", "O1", "O2", "Pz", "Cz")


class Traces:
    """The last seconds of samples, filtered as viewers of EEG do: causal, so that the newest sample is shown at once.

    Args:
        n_chans: Number of channels.
        rate: Sampling rate in Hz.
        seconds: Seconds that are kept.

    Attributes:
        times: `(times,)`: seconds from the first sample that was heard.
        values: `(channels, times)` in microvolts; NaN at interruptions, where lines end.
    """

    def __init__(self, n_chans: int, rate: float, seconds: float):
        self._rate, self._seconds = rate, seconds
        is_fast = rate / 2 > 1.1 * PASSBAND[1]
        band, kind = (PASSBAND, "bandpass") if is_fast else (PASSBAND[0], "highpass")
        self._filter = butter(2, band, kind, fs=rate, output="sos")
        self._state: np.ndarray | None = None
        self._last = np.zeros((n_chans, 1))
        self._factor, self._n_over = max(1, int(rate // DRAWN_RATE)), 0
        self.times, self.values = np.zeros(0), np.zeros((n_chans, 0))

    def take(self, samples: np.ndarray, end: float, is_new: bool) -> None:
        """Takes samples.

        Args:
            samples: `(channels, n)` in microvolts. Samples that are not finite are drawn as the last one that is.
            end: Time of the end of the last one.
            is_new: Whether an interruption lies before them.
        """
        n = samples.shape[-1]
        if not n:
            return
        times = end - np.arange(n, 0, -1) / self._rate
        if self._state is None or is_new:
            first = np.nan_to_num(samples[:, :1], posinf=0.0, neginf=0.0)
            self._state = sosfilt_zi(self._filter)[:, None, :] * first[None]
            self._last, self._n_over = first, 0
            if len(self.times):
                self._append(times[:1], np.full((len(samples), 1), np.nan))
        samples = self._held(samples)
        filtered, self._state = sosfilt(self._filter, samples, zi=self._state)
        kept = slice(-self._n_over % self._factor, None, self._factor)
        self._n_over += n
        self._append(times[kept], filtered[:, kept])

    def _held(self, samples: np.ndarray) -> np.ndarray:
        """The samples, and the last finite one where they are not finite."""
        every = np.concatenate([self._last, samples], axis=-1)
        places = np.where(np.isfinite(every), np.arange(every.shape[-1]), 0)
        held = np.take_along_axis(every, np.maximum.accumulate(places, axis=-1), axis=-1)
        self._last = held[:, -1:]
        return held[:, 1:]

    def _append(self, times: np.ndarray, values: np.ndarray) -> None:
        self.times = np.concatenate([self.times, times])
        first = int(np.searchsorted(self.times, self.times[-1] - self._seconds))
        self.times = self.times[first:]
        self.values = np.concatenate([self.values, values], axis=-1)[:, first:]


class Scene:
    """What is shown of a listener.

    Args:
        listener: The listener.
        rate: Sampling rate of clean EEG in Hz.
        seconds: Seconds of traces that are shown.
        n_draws: Number of continuations in a forecast.
        window_seconds: Length of a window that is classified, in seconds. None: nothing is classified.

    Attributes:
        listener: The listener.
        traces: The last seconds of samples.
        spacing: Distance between neighbouring traces in microvolts. It stays once what is usual is known.
        findings: End in seconds and surprise of each patch so far.
        windows: End in seconds and probabilities of each window that was classified.
        channel: Number of the channel whose forecast is shown.
        forecasts: The last forecasts.
        is_over: Whether nothing more comes.
    """

    def __init__(
        self,
        listener: Listener,
        rate: float,
        seconds: float = TRACE_SECONDS,
        n_draws: int = N_DRAWS,
        window_seconds: float | None = None,
    ):
        self.listener, self.rate, self.seconds = listener, rate, seconds
        self.n_draws, self.window_seconds = n_draws, window_seconds
        self.traces = Traces(len(listener.ch_names), listener.sampling_rate, seconds)
        self.spacing = 1.0
        self.findings: list[tuple[float, float]] = []
        self.windows: list[tuple[float, np.ndarray]] = []
        lower = [name.strip(".").lower() for name in listener.ch_names]
        self.channel = next((lower.index(name.lower()) for name in SHOWN_FORECASTS if name.lower() in lower), 0)
        self._clean: deque[tuple[float, np.ndarray]] = deque(maxlen=round(KEPT_SECONDS / listener.patch_seconds))
        self._lock = threading.Lock()
        self._waiting: list[Forecast] = []
        self._n_within = self._n_compared = 0
        self.forecasts: deque[Forecast] = deque(maxlen=8)
        self.is_over = False

    @property
    def now(self) -> float:
        """Seconds from the first sample that was heard to the last one."""
        return self.listener.seconds

    @property
    def judged(self) -> float:
        """Seconds up to which there are findings; 0 if there are none."""
        return self.findings[-1][0] if self.findings else 0.0

    @property
    def within(self) -> float:
        """Share of samples that came within the range of the forecast made before; NaN if none was compared."""
        return self._n_within / self._n_compared if self._n_compared else np.nan

    def take(self, heard: Heard) -> None:
        """Takes what has come."""
        gap = len(self.traces.times) > 0 and (
            self.now - heard.samples.shape[-1] / self.listener.sampling_rate - self.traces.times[-1] > 0.2
        )
        self.traces.take(heard.samples, self.now, heard.is_new or gap)
        if self.listener.reference is None and heard.samples.shape[-1]:
            known = np.abs(self.traces.values[:, ~np.isnan(self.traces.values[0])])
            self.spacing = 2.7 * float(np.quantile(known, 0.95)) or 1.0
        for finding in heard.findings:
            self._find(finding)
        self._compare()

    def take_forecast(self, forecast: Forecast) -> None:
        """Takes a forecast; another thread may call this."""
        with self._lock:
            self.forecasts.append(forecast)
            self._waiting.append(forecast)

    def clean(self, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times `(times,)` and clean EEG `(channels, times)` in microvolts of the patches between two times."""
        shown = [each for each in self._clean if start <= each[0] + 1e-6 and each[0] < end - 1e-6]
        if not shown:
            return np.zeros(0), np.zeros((len(self.listener.ch_names), 0))
        times = np.concatenate([begin + np.arange(patch.shape[-1]) / self.rate for begin, patch in shown])
        return times, np.concatenate([patch for _, patch in shown], axis=-1)

    def _find(self, finding: Finding) -> None:
        end = finding.seconds + self.listener.patch_seconds
        self.findings.append((end, finding.surprise))
        self._clean.append((finding.seconds, finding.clean))
        if finding.probabilities is not None:
            self.windows.append((end, finding.probabilities))

    def _compare(self) -> None:
        """Counts, of forecasts whose time has passed, how many samples came within their range."""
        with self._lock:
            over = [each for each in self._waiting if self._end_of(each) <= self.judged + 1e-6]
            self._waiting = [each for each in self._waiting if self._end_of(each) > self.judged + 1e-6]
        for forecast in over:
            _, came = self.clean(forecast.seconds, self._end_of(forecast))
            draws = forecast.draws
            if came.shape == draws.shape[1:]:  # not if an interruption came instead
                known = np.isfinite(draws).all(axis=0)
                inside = (came >= draws.min(axis=0)) & (came <= draws.max(axis=0))
                self._n_within += int(inside[known].sum())
                self._n_compared += int(known.sum())

    def _end_of(self, forecast: Forecast) -> float:
        return forecast.seconds + forecast.draws.shape[-1] / self.rate
