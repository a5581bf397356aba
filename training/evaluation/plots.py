# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The plots of an evaluation. A plot is left out where its figures were not measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from get_hf.processing.files import written_whole
from get_hf.training.evaluation.rows.rollout import MEASURES, STEP_SECONDS, WINDOW_SECONDS
from get_hf.training.evaluation.rows.two_sample import CLASSIFIERS, ROC_GRID

from .descriptors import covariance, log_psd
from .table import FLOOR

if TYPE_CHECKING:
    from .comparison import Comparison

TRUTH = "true continuation"
TRACE_SECONDS = (3.0, 5.0)  # prompt and continuation in the plot of traces
_PROMPT_ROWS = (
    "nearer to own than to swapped prompt",
    "nearer to own than to swapped target",
    "nearer to own than to own other recording",
)


def _figure(n_rows: int, n_columns: int, width: float, height: float):
    """An Agg figure outside pyplot's global state, because evaluation also runs in threads and without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _colours(comparison: Comparison) -> dict[str, str]:
    """Colour of each column, the same in every plot; real EEG is black and gray."""
    others = [name for name in comparison.rows if name != FLOOR]
    return {TRUTH: "black", FLOOR: "gray"} | {name: f"C{number}" for number, name in enumerate(others)}


def _series(comparison: Comparison) -> dict[str, np.ndarray]:
    return {TRUTH: comparison.segments.continuation} | comparison.continuations


def _save(figure, path: Path) -> None:
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=120, format="png")


def plot_spectra(comparison: Comparison, path: Path) -> None:
    """Mean log PSD of every column, for a frontal, a central and an occipital channel and for all channels.

    Shaded bands, for the real continuation and the judged columns, are 95 % intervals of the mean over people.
    """
    segments = comparison.segments
    names = segments.ch_names
    shown = [name for name in ("Fz", "C3", "Oz") if name in names] + ["all channels"]
    figure, axes = _figure(1, len(shown), 4 * len(shown), 3.5)
    colours = _colours(comparison)
    for label, x in _series(comparison).items():
        freqs, psd = log_psd(x, segments.sampling_rate)
        people = np.stack([psd[segments.subjects == s].mean(axis=0) for s in np.unique(segments.subjects)])
        for axis, name in zip(axes[0], shown, strict=True):
            own = people.mean(axis=1) if name == "all channels" else people[:, names.index(name)]
            mean, margin = own.mean(axis=0), 1.96 * own.std(axis=0) / np.sqrt(max(len(own) - 1, 1))
            axis.plot(freqs, mean, label=label, color=colours[label], linewidth=2 if label == TRUTH else 1)
            if label == TRUTH or label in comparison.judged:
                axis.fill_between(freqs, mean - margin, mean + margin, color=colours[label], alpha=0.15, linewidth=0)
            axis.set(title=name, xlabel="frequency (Hz)")
    axes[0, 0].set_ylabel("dB over 1 uV$^2$/Hz")
    axes[0, -1].legend(fontsize="small")
    _save(figure, path)


def plot_traces(comparison: Comparison, path: Path, item: int = 0) -> None:
    """Last seconds of a prompt, followed by its real continuation and each column's continuation, at one scale."""
    segments = comparison.segments
    series = _series(comparison)
    before, after = (int(s * segments.sampling_rate) for s in TRACE_SECONDS)
    figure, axes = _figure(1, len(series), 3.6 * len(series), 0.32 * len(segments.ch_names) + 1.2)
    step = 6 * segments.prompt[item].std()
    offset = -step * np.arange(len(segments.ch_names))
    past = segments.prompt[item][:, -before:]
    for axis, (label, x) in zip(axes[0], series.items(), strict=True):
        future = x[item][:, :after]
        time = np.arange(-past.shape[1], future.shape[1]) / segments.sampling_rate
        axis.plot(time[: past.shape[1]], past.T + offset, color="gray", linewidth=0.5)
        # from the prompt's last sample, to show the step at the seam
        joined = np.concatenate([past[:, -1:], future], axis=1)
        axis.plot(time[past.shape[1] - 1 :], joined.T + offset, color="C0", linewidth=0.5)
        axis.axvline(0, color="black", linewidth=0.5)
        axis.set(title=label, xlabel="time (s)", yticks=offset, ylim=(offset[-1] - step, offset[0] + step))
        axis.set_yticklabels(segments.ch_names if axis is axes[0, 0] else [])
    figure.suptitle(f"{segments.subjects[item]}: prompt in gray; {step:.0f} uV between channels")
    _save(figure, path)


def plot_covariances(comparison: Comparison, path: Path) -> None:
    """Mean covariance matrix of every column, each item in units of the real continuation's mean power."""
    series = _series(comparison)
    power = np.trace(covariance(comparison.segments.continuation), axis1=1, axis2=2)[:, None, None]
    n_chans = len(comparison.segments.ch_names)
    means = {label: n_chans * (covariance(x) / power).mean(axis=0) for label, x in series.items()}
    limit = np.abs(means[TRUTH]).max()
    figure, axes = _figure(1, len(means), 2.8 * len(means), 3.2)
    for axis, (label, mean) in zip(axes[0], means.items(), strict=True):
        image = axis.imshow(mean, vmin=-limit, vmax=limit, cmap="RdBu_r")
        axis.set_title(label)
        ticks = range(0, n_chans, max(1, n_chans // 10))
        names = [comparison.segments.ch_names[i] for i in ticks]
        axis.set_xticks(ticks, names, rotation=90, fontsize="x-small")
        axis.set_yticks(ticks, names, fontsize="x-small")
    figure.colorbar(image, ax=list(axes[0]), shrink=0.8)
    _save(figure, path)


def plot_roc(comparison: Comparison, path: Path) -> None:
    """ROC curves of classifiers that separate each column's windows from real windows; the diagonal is chance."""
    shown = [name for name in CLASSIFIERS if name in comparison.rows[FLOOR]]
    if not shown:
        return
    figure, axes = _figure(1, len(shown), 3.8 * len(shown), 4)
    colours = _colours(comparison)
    for axis, name in zip(axes[0], shown, strict=True):
        for column, rows in comparison.rows.items():
            width = 2 if column in comparison.judged else 1
            label = f"{column} {rows[name]['value']:.2f}"
            axis.plot(ROC_GRID, rows[name]["curve"], label=label, color=colours[column], linewidth=width)
        axis.plot([0, 1], [0, 1], color="black", linewidth=0.5, linestyle=":")
        axis.set(title=name.removeprefix("AUC "), xlabel="real windows taken for generated", aspect="equal")
        axis.legend(fontsize="small", title="AUC", loc="lower right")
    axes[0, 0].set_ylabel("generated windows found")
    _save(figure, path)


def plot_prompts(comparison: Comparison, path: Path) -> None:
    """Gain in nearness to the real continuation from the own prompt over others, with 95 % intervals over people."""
    shown = [name for name in _PROMPT_ROWS if name in comparison.rows[FLOOR]]
    if not shown:
        return
    figure, axes = _figure(1, len(shown), 3.6 * len(shown), 0.35 * len(comparison.rows) + 1.6)
    colours = _colours(comparison)
    for axis, name in zip(axes[0], shown, strict=True):
        for place, (column, rows) in enumerate(comparison.rows.items()):
            value, interval = rows[name]["value"], rows[name]["interval"]
            if interval:
                axis.plot(interval, [-place, -place], color=colours[column], linewidth=2)
            axis.plot([value], [-place], "o", color=colours[column])
        real = comparison.rows[FLOOR][name]["value"]
        axis.axvline(real, color="gray", linewidth=0.5)
        axis.axvline(0.8 * real, color="gray", linewidth=0.5, linestyle="--")
        axis.axvline(0, color="black", linewidth=0.5)
        axis.set(title=name.removeprefix("nearer to own than to "), xlabel="share of distance saved")
        axis.set_yticks(-np.arange(len(comparison.rows)), comparison.rows if axis is axes[0, 0] else [])
    figure.suptitle("own prompt against others; solid line: real EEG, broken: 80 % of it")
    _save(figure, path)


def plot_drift(comparison: Comparison, path: Path) -> None:
    """Drift of each column in a long continuation, median over people, and the envelope of real recordings."""
    names = [f"{measure} inside real 5-95 %" for measure in MEASURES]
    if names[0] not in comparison.rows[FLOOR]:
        return
    figure, axes = _figure(len(names), 1, 9, 1.5 * len(names) + 0.6)
    colours = _colours(comparison)
    for axis, measure, name in zip(axes[:, 0], MEASURES, names, strict=True):
        low, high = comparison.rows[FLOOR][name]["envelope"]
        axis.axhspan(low, high, color="black", alpha=0.1, linewidth=0)
        for column, rows in comparison.rows.items():
            course = np.array(rows[name]["course"], dtype=float)
            minutes = (np.arange(len(course)) * STEP_SECONDS + WINDOW_SECONDS / 2) / 60
            axis.plot(minutes, course, label=column, color=colours[column], linewidth=0.8)
        span = high - low
        is_distance = measure == "covariance"
        axis.set(ylabel=measure + ("" if is_distance else "\n(dB)"))
        axis.set_ylim(0 if is_distance else low - 1.5 * span, high + 1.5 * span)
        if axis is not axes[-1, 0]:
            axis.set_xticklabels([])
    axes[0, 0].legend(fontsize="small", ncols=len(comparison.rows), loc="upper center")
    axes[-1, 0].set_xlabel("minutes after the prompt")
    figure.suptitle("windows of 10 s over their prompt, median over people; gray: 5-95 % of real windows")
    _save(figure, path)


#: Plots by the name of their file.
PLOTS = {
    "spectra": plot_spectra,
    "traces": plot_traces,
    "covariances": plot_covariances,
    "two_sample_roc": plot_roc,
    "prompts": plot_prompts,
    "drift": plot_drift,
}
