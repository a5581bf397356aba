# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Long continuations of up to an hour: do they stay in the range of real EEG?

Sliding windows are compared with the first 30 s: real windows with their own recording, generated windows with their
prompt. The 5th and the 95th percentile of the real windows bound the envelope. Real EEG is inside nine times out of
ten, and so is generated EEG without drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from get_hf.training.evaluation.descriptors import BANDS, EPSILON, covariance, log_matrix, power_spectrum
from get_hf.training.evaluation.recordings import SAMPLING_RATE, Signal
from get_hf.training.evaluation.table import Rows

#: Seconds of the prompt, of a sliding window, and from one window to the next.
PROMPT_SECONDS = 30.0
WINDOW_SECONDS = 10.0
STEP_SECONDS = 5.0
#: Percentiles of real windows that bound the envelope.
ENVELOPE = (5.0, 95.0)
MEASURES = ("RMS", *BANDS, "covariance")
#: Rows about the growth of a generator's cost, see `Rollout.rows`.
PACE = {"cost": "cost per second, end over start", "memory": "memory, end over start"}


def drift(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Distance of the windows of a recording from a reference.

    Args:
        x: Recording `(channels, times)` in microvolts at `SAMPLING_RATE`.
        reference: Reference `(channels, times')`, at least one window long.

    Returns:
        `(measures, windows)`, see `MEASURES`: RMS and band powers in dB over the reference, averaged over channels;
        the Frobenius distance of the log covariances, each in units of its own power, over the root of the number of
        channels.
    """
    windows, before = _windows(x), _windows(reference)
    centred = windows - windows.mean(axis=-1, keepdims=True)
    rms = _decibels((centred**2).mean(axis=-1), (reference - reference.mean(axis=-1, keepdims=True)).var(axis=-1))
    powers, known = _band_powers(windows), _band_powers(before).mean(axis=1, keepdims=True)
    spatial = [_shape(c) for c in (covariance(windows), covariance(reference[None]))]
    distance = np.sqrt(((spatial[0] - spatial[1]) ** 2).sum(axis=(1, 2)) / len(x))
    return np.stack([rms, *(_decibels(p, k) for p, k in zip(powers, known, strict=True)), distance])


def _windows(x: np.ndarray) -> np.ndarray:
    """Cuts `(channels, times)` into overlapping `(windows, channels, window times)`."""
    n, step = (round(seconds * SAMPLING_RATE) for seconds in (WINDOW_SECONDS, STEP_SECONDS))
    return np.lib.stride_tricks.sliding_window_view(x, n, axis=-1)[:, ::step].transpose(1, 0, 2)


def _band_powers(windows: np.ndarray) -> np.ndarray:
    """Band powers `(bands, windows, channels)` in uV^2/Hz of `(windows, channels, times)`."""
    freqs, power = power_spectrum(windows, SAMPLING_RATE)
    return np.stack([power[..., (freqs >= low) & (freqs < high)].mean(axis=-1) for low, high in BANDS.values()])


def _decibels(power: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Decibels of `(windows, channels)` over `(channels,)` or `(1, channels)`, mean over channels: `(windows,)`."""
    return 10 * np.log10((power + EPSILON) / (reference + EPSILON)).mean(axis=-1)


def _shape(covariances: np.ndarray) -> np.ndarray:
    power = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / covariances.shape[-1]
    return log_matrix(covariances / (power + EPSILON))


@dataclass(frozen=True)
class Rollout:
    """Prompts for long continuations, and the drift of real recordings.

    Attributes:
        prompt: Prompts `(items, channels, 30 s)` in microvolts at `SAMPLING_RATE`.
        n_times: Samples to generate after each prompt.
        subjects: Subject of each item, `(items,)`.
        conditions: Conditions of each prompt and of its continuation.
        ch_names: Name of each channel.
        real: `drift` of each real recording, `(measures, windows)`.
        real_subjects: Subject of each real recording.
    """

    prompt: np.ndarray
    n_times: int
    subjects: np.ndarray
    conditions: list[tuple[str, str]]
    ch_names: list[str]
    real: list[np.ndarray]
    real_subjects: np.ndarray

    def envelope(self, without: object = None) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of the drift of real windows, `(measures, 1)` each, over all people except one.

        The lower bound of the covariance distance is 0, because nearness to the prompt is no drift.
        """
        kept = [d for d, s in zip(self.real, self.real_subjects, strict=True) if s != without] or self.real
        low, high = np.percentile(np.concatenate(kept, axis=1), ENVELOPE, axis=1)
        low[MEASURES.index("covariance")] = 0.0
        return low[:, None], high[:, None]

    def rows(
        self,
        generated: np.ndarray | None,
        n_bootstrap: int = 200,
        seed: int = 0,
        pace: dict[str, float] | None = None,
    ) -> dict[str, dict]:
        """Rows of generated EEG, or of real recordings; the envelope of each item comes from other people.

        Args:
            generated: Generated EEG `(items, channels, n_times)` in microvolts; None: real recordings.
            n_bootstrap: Resamples of subjects for each interval.
            seed: Seed of the bootstrap.
            pace: "cost" and "memory" at the end over their values at the start; None: not measured.
        """
        if generated is None:
            courses, subjects = self.real, self.real_subjects
        else:
            courses = [drift(x, before) for x, before in zip(generated, self.prompt, strict=True)]
            subjects = self.subjects
        low_high = [self.envelope(without=subject) for subject in subjects]
        inside = [(low <= d) & (d <= high) for d, (low, high) in zip(courses, low_high, strict=True)]
        rows = Rows(subjects, n_bootstrap, seed)
        shares = np.array([each.mean(axis=1) for each in inside])
        low, high = self.envelope()
        middle = _median(courses)
        for index, measure in enumerate(MEASURES):
            rows.mean(
                "rollout", f"{measure} inside real 5-95 %", "share of windows", ("at least", 0.9), shares[:, index]
            )
            rows.table[f"{measure} inside real 5-95 %"] |= {
                "course": middle[index].round(3).tolist(),
                "envelope": [float(low[index, 0]), float(high[index, 0])],
            }
        smooth = _smoothed(middle)
        throughout = ((low <= smooth) & (smooth <= high)).mean(axis=1).min()
        name = "median over people and a minute inside, worst measure"
        rows.fact("rollout", name, "share of windows", ("at least", 1.0), throughout)
        for key, name in PACE.items():
            if pace and key in pace:
                limit = 1.05 if key == "cost" else 1.1
                rows.fact("rollout", name, "ratio", ("at most", limit), pace[key])
        return rows.table


def _median(courses: Sequence[np.ndarray]) -> np.ndarray:
    """Median over recordings, `(measures, windows)`, as long as the longest recording."""
    longest = max(course.shape[1] for course in courses)
    padded = [np.pad(c, ((0, 0), (0, longest - c.shape[1])), constant_values=np.nan) for c in courses]
    return np.nanmedian(padded, axis=0)


def _smoothed(courses: np.ndarray) -> np.ndarray:
    """Running median over a minute of `(measures, windows)`, because one loud moment of one person is no drift."""
    reach = round(30 / STEP_SECONDS)
    padded = np.pad(courses, ((0, 0), (reach, reach)), constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1), axis=-1)


def cut_rollout(signals: Iterable[Signal], ch_names: Sequence[str], n_rollouts: int, seconds: float) -> Rollout | None:
    """Chooses prompts, and measures the drift of all recordings.

    Prompts are from recordings of one condition, if there are any.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        n_rollouts: Number of prompts, one for each person, of different conditions in turn.
        seconds: Length of each continuation.

    Returns:
        The rollout; None where no recording is as long as prompt and window together.
    """
    n_prompt, n_window = (round(s * SAMPLING_RATE) for s in (PROMPT_SECONDS, WINDOW_SECONDS))
    skip = int(SAMPLING_RATE)  # 1 s: the filters' edge
    real, real_subjects, chosen = [], [], []
    for x, subject, condition, *_ in signals:
        inner = x[:, skip:-skip]
        if inner.shape[-1] < n_prompt + n_window:
            continue
        prompt, rest = inner[:, :n_prompt], inner[:, n_prompt:]
        real.append(drift(rest, prompt))
        real_subjects.append(subject)
        chosen.append((prompt, subject, condition))
    if not chosen:
        return None
    chosen = [each for each in chosen if each[2] != "none"] or chosen
    conditions = sorted({condition for _, _, condition in chosen})
    people = list(dict.fromkeys(subject for _, subject, _ in chosen))[:n_rollouts]
    picked = []
    for index, person in enumerate(people):
        own = [each for each in chosen if each[1] == person]
        wanted = conditions[index % len(conditions)]
        picked.append(next((each for each in own if each[2] == wanted), own[0]))
    prompts, subjects, known = zip(*picked, strict=True)
    return Rollout(
        np.stack(prompts), round(seconds * SAMPLING_RATE), np.array(subjects), [(c, c) for c in known],
        list(ch_names), real, np.array(real_subjects),
    )  # fmt: skip
