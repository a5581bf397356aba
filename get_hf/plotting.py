# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of a generation: traces, spectra, scalp maps of alpha power, surprise, imputed channels."""

from typing import TYPE_CHECKING

import numpy as np

from get_hf.processing.montage_get import UnknownChannelError, channel_positions, parse_channel_name
from get_hf.recordings import split_at_seam

if TYPE_CHECKING:
    from collections.abc import Sequence

    import mne
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


# prompt and continuation keep their colours in every panel (both safe for colour-blind readers)
PROMPT, GENERATED = "#3b4252", "#c8551b"
NAMES = "Prompt", "Generated"
SECONDS_BEFORE, SECONDS_AFTER = 4.0, 6.0
#: Largest number of channels that are drawn as traces.
MAX_TRACES = 12
#: Smallest number of electrode positions for a map of the scalp. With fewer, a map is mostly interpolation.
MIN_PLACES = 8
# channels that are shown of a cap with many electrodes, from front to back
_SPREAD = ("Fp1", "Fp2", "F3", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "O2")
STYLE = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
}


def plot_generation(raw: "mne.io.BaseRaw") -> "Figure":
    """Draws generated EEG and its prompt in one figure.

    Panel (a) shows up to 12 channels, from 4 s before the first generated sample to 6 s after it. Panel (b) shows
    power spectra of the whole prompt and of the whole continuation, as median and range (10 to 90 %) over channels.
    Panel (c) shows alpha power (8 to 13 Hz) on the scalp, with one colour scale. If the channels have fewer than 8
    different positions, panel (c) is left out.

    Args:
        raw: Result of `GETFeatureExtractor.decode`, with or without a prompt.

    Returns:
        A matplotlib figure, which can be saved with `savefig`.
    """
    import matplotlib
    from matplotlib.figure import Figure

    prompt, continuation = split_at_seam(raw)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 6.4), dpi=200, layout="constrained")
        if not estimable_parts(raw):
            _plot_traces(figure.subplots(), raw, prompt, continuation)
            return figure
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.45, 1), hspace=0.03)  # type: ignore[misc]
        _plot_traces(upper.subplots(), raw, prompt, continuation)
        _plot_spectra_and_maps(lower, raw)
    return figure


def plot_traces(
    raw: "mne.io.BaseRaw", seconds: float, spacing: float, size: tuple[float, float]
) -> tuple["Figure", float]:
    """Draws the first part of a continuation while the rest is still being generated.

    The time axis is as long as for the complete continuation.

    Args:
        raw: Result of `GETFeatureExtractor.decode` for the patches so far.
        seconds: Length of the complete continuation in seconds.
        spacing: Smallest distance between neighbouring traces in microvolts. Pass the distance of the previous
            picture, so that traces do not jump.
        size: Width and height of the figure in inches.

    Returns:
        A matplotlib figure with panel (a) of `plot_generation`, and the distance between its traces in microvolts.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        axes = figure.subplots()
        spacing = _plot_traces(axes, raw, *split_at_seam(raw), seconds, spacing)
        axes.set_title("", loc="left")  # there are no other panels, so it needs no letter
    return figure, spacing


def plot_maps(raw: "mne.io.BaseRaw", names: tuple[str, str] = NAMES) -> "Figure | None":
    """Draws panel (c) of `plot_generation`, which shows maps of alpha power on the scalp with one colour scale.

    Args:
        raw: Result of `GETFeatureExtractor.decode`.
        names: Titles of the maps of prompt and continuation.

    Returns:
        A matplotlib figure that is small enough for a phone. None if the channels have fewer than 8 different
        positions, or if both prompt and continuation are shorter than one second.
    """
    import matplotlib
    from matplotlib.figure import Figure

    parts, places = estimable_parts(raw, names), _scalp_places(raw)
    if not parts or not _enough_places(places):
        return None
    larger = dict.fromkeys(("axes.labelsize", "axes.titlesize", "ytick.labelsize"), 10)  # than in print
    with matplotlib.rc_context(STYLE | larger):
        figure = Figure(figsize=(4.0, 2.0), dpi=220, layout="constrained")
        _plot_alpha_maps(figure.subplots(1, len(parts), squeeze=False)[0], raw, parts, places)
    return figure


def above_usual(score: np.ndarray) -> np.ndarray:
    """Subtracts the median of each channel from scores `(channels, patches)`; NaN, for unknown scores, stays NaN."""
    excess = np.full_like(score, np.nan)
    for row, values in zip(excess, score, strict=True):
        known = ~np.isnan(values)
        if known.any():
            row[known] = values[known] - np.median(values[known])
    return excess


def plot_imputation(
    raw: "mne.io.BaseRaw",
    draws: "Sequence[mne.io.BaseRaw]",
    splines: "mne.io.BaseRaw",
    channel: str,
    begin: float = 10.0,
) -> "Figure":
    """Draws a channel that was hidden and imputed: (a) three seconds of it, (b) its power spectrum.

    Args:
        raw: The recording with the true channel.
        draws: Results of `impute`.
        splines: Result of `interpolate_bads`.
        channel: Name of the channel.
        begin: First second that is shown, if the recording is so long.

    Returns:
        A matplotlib figure.
    """
    import matplotlib
    import scipy
    from matplotlib.figure import Figure

    shown = [("True channel", raw, "black", 0.9), ("Spherical splines", splines, GENERATED, 1.2)]
    blues = matplotlib.colormaps["Blues"](np.linspace(0.5, 0.95, len(draws)))
    shown += [(f"GET, draw {n}", draw, blue, 0.7) for n, (draw, blue) in enumerate(zip(draws, blues, strict=True), 1)]
    rate = raw.info["sfreq"]
    begin = max(0.0, min(begin, raw.n_times / rate - 3))
    seen = (raw.times >= begin) & (raw.times < begin + 3)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), dpi=150, layout="constrained")
        traces, spectra = figure.subplots(1, 2, width_ratios=(2, 1))
        for label, each, colour, width in shown:
            signal = each.get_data([channel], units="uV")[0]
            signal = signal - signal.mean()
            order = 3.0 if each is raw else 2.0  # the truth lies above its estimates
            line = {"color": colour, "linewidth": width, "zorder": order}
            traces.plot(raw.times[seen], signal[seen], label=label, **line)
            frequencies, power = scipy.signal.welch(signal, rate, nperseg=min(len(signal), round(2 * rate)))
            inside = (frequencies >= 1) & (frequencies <= 45)
            spectra.semilogy(frequencies[inside], power[inside], **line)
        traces.set(xlabel="Time (s)", ylabel=f"{channel_label(channel)} (µV)")
        traces.set_title("a", loc="left", fontweight="bold")
        spectra.set(xlabel="Frequency (Hz)", ylabel="Power (µV²/Hz)")
        spectra.set_title("b", loc="left", fontweight="bold")
        figure.legend(*traces.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def estimable_parts(raw: "mne.io.BaseRaw", names: tuple[str, str] = NAMES) -> list[tuple[str, np.ndarray, str]]:
    """Returns those parts, of prompt and continuation, that are at least one second long.

    A spectrum can be estimated only for these parts.

    Args:
        raw: Result of `GETFeatureExtractor.decode`.
        names: Names of prompt and continuation.

    Returns:
        Name, signal `(channels, times)` in microvolts, and colour of each part.
    """
    both = zip(names, split_at_seam(raw), (PROMPT, GENERATED), strict=True)
    return [part for part in both if part[1].shape[1] >= raw.info["sfreq"]]


def _plot_spectra_and_maps(figure: "Figure | SubFigure", raw: "mne.io.BaseRaw") -> None:
    parts, rate = estimable_parts(raw), raw.info["sfreq"]
    places = _scalp_places(raw)
    if not _enough_places(places):
        _plot_spectra(figure.subplots(), parts, rate)
        return
    axes = figure.subplots(1, 1 + len(parts), width_ratios=(1.25, *[0.8] * len(parts)))
    _plot_spectra(axes[0], parts, rate)
    _plot_alpha_maps(axes[1:], raw, parts, places)
    add_letter(axes[1], "c")


def _plot_traces(
    axes: "Axes",
    raw: "mne.io.BaseRaw",
    prompt: np.ndarray,
    continuation: np.ndarray,
    after_seconds: float | None = None,
    least_spacing: float = 0.0,
) -> float:
    """Draws the traces, with at most `after_seconds` of the continuation, and returns their distance in microvolts."""
    rate = raw.info["sfreq"]
    shown = _shown_channels(raw.ch_names)
    before = prompt[shown, -round(SECONDS_BEFORE * rate) :]
    # without a prompt there is room for more of the continuation
    usual = SECONDS_AFTER if before.size else SECONDS_BEFORE + SECONDS_AFTER
    end = min(usual, continuation.shape[1] / rate) if after_seconds is None else after_seconds
    after = continuation[shown, : round(end * rate)]
    signal = np.concatenate([before, after], axis=1)
    signal = signal - np.median(signal, axis=1, keepdims=True)
    times = (np.arange(signal.shape[1]) - before.shape[1]) / rate
    spacing = max(least_spacing, 2.2 * np.quantile(np.abs(signal), 0.985)) or 1.0
    offsets = -spacing * np.arange(len(shown))
    lines = signal + offsets[:, None]
    n_before = before.shape[1]
    axes.plot(times[: n_before + 1], lines[:, : n_before + 1].T, color=PROMPT, linewidth=0.55)
    axes.plot(times[n_before:], lines[:, n_before:].T, color=GENERATED, linewidth=0.55)

    top = max(offsets[0] + 0.95 * spacing, lines[0].max())
    axes.set_xlim(times[0], end)
    axes.set_ylim(min(offsets[-1] - 0.8 * spacing, lines[-1].min()), top + 0.2 * spacing)
    if n_before:
        axes.axvline(0, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
        beside = {"textcoords": "offset points", "va": "bottom"}
        axes.annotate("prompt", (0, top), (-4, 0), color=PROMPT, ha="right", **beside)
        axes.annotate("generated by GET", (0, top), (4, 0), color=GENERATED, ha="left", **beside)
        axes.set_xlabel("Time after the first generated sample (s)")
    else:
        axes.text(end, top, "generated by GET from nothing", color=GENERATED, ha="right", va="bottom")
        axes.set_xlabel("Time (s)")
    axes.set_yticks(offsets, [channel_label(raw.ch_names[channel]) for channel in shown])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _draw_scale_bar(axes, offsets[-1], spacing)
    add_letter(axes, "a")
    return spacing


def _draw_scale_bar(axes: "Axes", bottom: float, spacing: float) -> None:
    """Draws a scale bar to the right of the lowest trace; its length is a round number of microvolts."""
    height = max((nice for nice in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if nice <= spacing), default=1)
    position = axes.get_yaxis_transform()  # x in axes fractions, y in data units
    axes.plot(
        [1.012, 1.012],
        [bottom, bottom + height],
        color="black",
        linewidth=1.2,
        clip_on=False,
        transform=position,
    )
    axes.text(1.02, bottom + height / 2, f"{height} µV", va="center", fontsize=7, transform=position)


def _plot_spectra(axes: "Axes", parts: list[tuple[str, np.ndarray, str]], rate: float) -> None:
    from get_hf.training.evaluation.descriptors import ALPHA, power_spectrum

    for label, signal, colour in parts:
        frequencies, density = power_spectrum(signal, rate)
        inside = (frequencies >= 1) & (frequencies <= 45)
        low, middle, high = np.quantile(density[:, inside], (0.1, 0.5, 0.9), axis=0)
        axes.fill_between(frequencies[inside], low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(frequencies[inside], middle, color=colour, linewidth=1.2, label=label)
    axes.axvspan(*ALPHA, color="black", alpha=0.05, linewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, 45)
    axes.set_xticks([1, 2, 5, 10, 20, 40], ["1", "2", "5", "10", "20", "40"])
    axes.minorticks_off()
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel("Power density (µV²/Hz)")
    axes.legend(loc="lower left")
    add_letter(axes, "b")


def _plot_alpha_maps(axes: np.ndarray, raw: "mne.io.BaseRaw", parts: list, places: np.ndarray) -> None:
    from mne.viz import plot_topomap

    from get_hf.training.evaluation.descriptors import ALPHA, band_power

    # MNE cannot triangulate positions exactly on one circle, such as the outermost positions of the 10-20 system
    places = places * np.linspace(1, 1.001, len(places))[:, None]
    rim = 1.04 * max(1.0, np.linalg.norm(places, axis=1).max())  # the drawn head includes the lowest electrodes
    decibels = [10 * np.log10(band_power(signal, raw.info["sfreq"], ALPHA) + 1e-12) for _, signal, _ in parts]
    limits = np.quantile(decibels, (0.02, 0.98))  # a dead or very noisy electrode should not determine the scale
    for axis, (label, _, colour), values in zip(axes, parts, decibels, strict=True):
        image, _ = plot_topomap(
            values,
            places,
            axes=axis,
            vlim=limits,
            cmap="viridis",
            contours=4,
            sphere=rim,
            sensors=False,
            show=False,
        )
        axis.scatter(*places.T, s=1.5, color="black", linewidths=0)
        axis.set_title(label, color=colour)
    bar = axes[0].figure.colorbar(image, ax=list(axes), shrink=0.55, aspect=15, pad=0.03)
    bar.set_label(f"{ALPHA[0]:.0f}-{ALPHA[1]:.0f} Hz power (dB re 1 µV²)")
    bar.outline.set_visible(False)


def _scalp_places(raw: "mne.io.BaseRaw") -> np.ndarray:
    """Projects the positions of channels to a plane, by azimuthal equidistant projection.

    The radius is 1 at the level of Fpz, T7, Oz and T8. The position of a bipolar channel is the middle between its two
    electrodes.

    Returns:
        Coordinates to the right and to the front, `(channels, 2)`.
    """
    montage = raw.get_montage()
    digitised = montage.get_positions()["ch_pos"] if montage else None
    electrode, reference = np.split(channel_positions(raw.ch_names, digitised), 2, axis=1)
    points = electrode + reference  # the reference of a channel that is not bipolar is zero
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    from_vertex = np.arccos(points[:, 2].clip(-1, 1)) / (np.pi / 2)
    return from_vertex[:, None] * points[:, :2] / np.linalg.norm(points[:, :2], axis=1, keepdims=True).clip(1e-9)


def _enough_places(places: np.ndarray) -> bool:
    return len(np.unique(places.round(2), axis=0)) >= MIN_PLACES


def _shown_channels(ch_names: list[str]) -> list[int]:
    """Chooses at most `MAX_TRACES` channels, which are spread over the scalp if their names are known."""
    if len(ch_names) <= MAX_TRACES:
        return list(range(len(ch_names)))
    where = {channel_label(name): channel for channel, name in enumerate(ch_names)}
    known = [where[name] for name in _SPREAD if name in where]
    if len(known) >= 6:
        return known
    return np.linspace(0, len(ch_names) - 1, MAX_TRACES).round().astype(int).tolist()


def channel_label(ch_name: str) -> str:
    """Returns the usual spelling of a channel: FC5 for Fc5., Fp1-F7 for FP1-F7; unknown names such as E12 stay."""
    try:
        return "-".join(filter(None, parse_channel_name(ch_name)))
    except UnknownChannelError:
        return ch_name


def add_letter(axes: "Axes", letter: str) -> None:
    """Writes the letter of a panel above it, at the left."""
    axes.set_title(letter, loc="left", fontweight="bold", fontsize=10)
