# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes statistics of prepared EEG in each condition (hours, amplitudes and spectra), and draws them.

    measured = measure(Prepared.read("out/eegmmidb"))
    draw(measured, "out/eegmmidb/spectra.png")

All values are measured for each segment and condition, and summarised as median and quartiles over segments. So the
tables and the bands in the picture show how much people and recordings differ, and a single outlier has little effect.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import scipy.fft

from get_hf.modeling.configuration_get import CONDITIONS

from .prepared import Prepared

#: Length of the windows for spectral estimates; consecutive windows overlap by half.
WINDOW_SECONDS = 2.0
#: The classical frequency bands, in Hz.
BANDS = {"δ": (1.0, 4.0), "θ": (4.0, 8.0), "α": (8.0, 13.0), "β": (13.0, 30.0), "γ": (30.0, 45.0)}
#: Minimum number of electrodes for a map of the scalp; with fewer, most of the map is interpolated.
FEWEST_ELECTRODES = 8
#: Conditions that are shown in the same panel, with their colours (safe for colour-blind readers) and line styles.
PANELS: dict[str, dict[str, tuple]] = {
    "At rest": {
        "rest": ("#009E73", "-."),
        "eyes_open": ("#0072B2", "--"),
        "eyes_closed": ("#D55E00", "-"),
    },
    "Moving, or imagining to": {
        "left_fist": ("#0072B2", "-"),
        "right_fist": ("#D55E00", "--"),
        "both_fists": ("#009E73", "-."),
        "feet": ("#CC79A7", (0, (1, 1))),
        "tongue": ("#E69F00", (0, (4, 1, 1, 1, 1, 1))),
    },
    "Clinical, or not labelled": {
        "none": ("#666666", "--"),
        "seizure": ("#D55E00", "-"),
    },
}


@dataclass
class Measured:
    """Results of `measure`. Keys are names of conditions ("none" if the condition is unknown).

    Attributes:
        frequencies: Frequencies in Hz, 1 to 45, `(frequencies,)`.
        seconds: Duration of the condition in seconds.
        amplitudes: Amplitude of each segment in uV: the median absolute value of each channel, then the median over
            channels.
        spectra: Power density of each segment in dB re 1 uV^2/Hz: the median over channels, `(frequencies,)` each.
        alpha: Power density between 8 and 13 Hz in the same unit, for each electrode and each segment.
        places: Position of each electrode: x (right), y (front), z (up) on the unit sphere. Bipolar channels are left
            out, because they have no single position.
    """

    frequencies: np.ndarray
    seconds: dict[str, float] = field(default_factory=dict)
    amplitudes: dict[str, list[float]] = field(default_factory=dict)
    spectra: dict[str, list[np.ndarray]] = field(default_factory=dict)
    alpha: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    places: dict[str, np.ndarray] = field(default_factory=dict)

    def conditions(self) -> list[str]:
        """Returns the measured conditions, in the model's order."""
        return [name for name in CONDITIONS if self.seconds.get(name)]


def measure(prepared: Prepared, progress: Callable[[int, int], object] | None = None) -> Measured:
    """Measures all segments of a prepared corpus; only one segment is in memory at a time.

    Args:
        prepared: Description of a prepared corpus in a local folder, as `prepare` returns it.
        progress: Function that is called after each segment with the number of measured segments and the number of all
            segments.

    Raises:
        ValueError: There is no segment with samples.
    """
    rate, total = prepared.sampling_rate, sum(prepared.splits.values())
    silence = np.zeros((1, 1, round(WINDOW_SECONDS * rate)), np.float32)
    measured = Measured(_densities(silence, rate)[0])
    for done, row in enumerate(_rows(prepared), start=1):
        if row["n_times"]:
            _add_segment(measured, row, prepared)
        if progress is not None:
            progress(done, total)
    if not measured.seconds:
        raise ValueError(f"none of the {total} segments in {prepared.folder} has any samples.")
    return measured


def _rows(prepared: Prepared) -> Iterator[dict]:
    """Yields each row as a dictionary, in which lists of numbers are flat arrays."""
    lists, rest = ("signal", "channel_positions", "conditions"), ("n_chans", "n_times", "ch_names")
    for split in prepared.splits:
        for shard in sorted((Path(prepared.folder) / "data").glob(f"{split}-*.parquet")):
            for row in pq.ParquetFile(shard).iter_batches(batch_size=1, columns=[*lists, *rest]):
                values = {name: row[name].flatten().to_numpy() for name in lists}
                yield values | {name: row[name][0].as_py() for name in rest}


def _add_segment(measured: Measured, row: dict, prepared: Prepared) -> None:
    rate = prepared.sampling_rate
    signal = row["signal"].reshape(row["n_chans"], row["n_times"])
    per_sample = np.repeat(row["conditions"], prepared.patch_size)
    windows, of_windows = _windows(signal, per_sample, round(WINDOW_SECONDS * rate))
    for number in np.unique(per_sample):
        name, inside = prepared.conditions[number], per_sample == number
        measured.seconds[name] = measured.seconds.get(name, 0.0) + inside.sum() / rate
        amplitude = np.median(np.abs(signal[:, inside]), axis=-1)
        measured.amplitudes.setdefault(name, []).append(float(np.median(amplitude)))
        if not (of_windows == number).any():
            continue
        _, density = _densities(windows[:, of_windows == number], rate)
        measured.spectra.setdefault(name, []).append(np.median(_decibels(density), axis=0))
        band = (measured.frequencies >= BANDS["α"][0]) & (measured.frequencies <= BANDS["α"][1])
        electrodes = measured.alpha.setdefault(name, {})
        positions = row["channel_positions"].reshape(row["n_chans"], 6)
        for ch_name, position, alpha in zip(row["ch_names"], positions, density[:, band].mean(axis=-1), strict=True):
            if not position[3:].any():
                electrodes.setdefault(ch_name, []).append(float(_decibels(alpha)))
                measured.places.setdefault(ch_name, position[:3])


def _windows(signal: np.ndarray, per_sample: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the windows in which the condition does not change.

    Returns:
        Views of the signal `(channels, windows, length)`, and the condition id of each window.
    """
    if signal.shape[-1] < length:
        return np.empty((len(signal), 0, length), np.float32), np.empty(0, int)
    changes = np.concatenate([[0], np.cumsum(np.diff(per_sample) != 0)])
    starts = np.arange(0, signal.shape[-1] - length + 1, length // 2)
    starts = starts[changes[starts] == changes[starts + length - 1]]
    views = np.lib.stride_tricks.sliding_window_view(signal, length, axis=-1)
    return views[:, starts], per_sample[starts]


def _densities(windows: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Computes the power density by Welch's method.

    Args:
        windows: Signal in uV, `(channels, windows, times)`.
        rate: Sampling rate in Hz.

    Returns:
        Frequencies in Hz from 1 to 45, and the power density in uV^2/Hz `(channels, frequencies)`.
    """
    length = windows.shape[-1]
    taper = np.hanning(length + 1)[:-1].astype(np.float32)
    spectrum = scipy.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * taper)
    density = 2 * (np.abs(spectrum) ** 2).mean(axis=1) / (rate * (taper**2).sum())
    frequencies = scipy.fft.rfftfreq(length, 1 / rate)
    shown = (frequencies >= BANDS["δ"][0]) & (frequencies <= BANDS["γ"][1])
    return frequencies[shown], density[:, shown]


def _decibels(density: np.ndarray) -> np.ndarray:
    return 10 * np.log10(density + 1e-12)


# -------------------------------------------------------------------------------------------------------- the picture

_STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
}


def draw(measured: Measured, path: str | Path) -> None:
    """Draws the median and the interquartile band of the spectra over segments, in one panel per kind of condition.

    If eyes open and eyes closed were both recorded with enough electrodes, a map beside the panels shows how much
    alpha power rises when the eyes are closed.

    Args:
        measured: Result of `measure`.
        path: Path of the PNG file to write.
    """
    import matplotlib
    from matplotlib.figure import Figure

    panels = {
        title: {name: style for name, style in styles.items() if measured.spectra.get(name)}
        for title, styles in PANELS.items()
    }
    panels = {title: styles for title, styles in panels.items() if styles}
    closing = alpha_of_closing(measured)
    widths = [1.0] * len(panels) + [0.85] * bool(closing)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(0.6 + 3.3 * sum(widths), 3.5), dpi=160, layout="constrained")
        axes = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
        for axis, (title, styles) in zip(axes, panels.items(), strict=False):
            if axis is not axes[0]:
                axis.sharey(axes[0])  # before drawing, so that the scale fits all panels
            _draw_spectra(axis, title, styles, measured)
        axes[0].set_ylabel("Power density (dB re 1 µV²/Hz)")
        if closing:
            _draw_map(axes[-1], closing, measured.places)
        figure.savefig(path, format="png", metadata={"Software": None})  # the same data give the same file


def alpha_of_closing(measured: Measured) -> dict[str, float]:
    """Computes alpha power with eyes closed minus eyes open in dB for each electrode; {} if it cannot be computed."""
    closed, opened = (measured.alpha.get(name, {}) for name in ("eyes_closed", "eyes_open"))
    both = [name for name in closed if name in opened]
    if len({tuple(measured.places[name].round(2)) for name in both}) < FEWEST_ELECTRODES:
        return {}
    return {name: float(np.median(closed[name]) - np.median(opened[name])) for name in both}


def _draw_spectra(axis, title: str, styles: Mapping[str, tuple], measured: Measured) -> None:
    for name, (colour, line) in styles.items():
        low, middle, high = np.quantile(measured.spectra[name], (0.25, 0.5, 0.75), axis=0)
        label = {"none": "no label"}.get(name, name.replace("_", " "))
        axis.fill_between(measured.frequencies, low, high, color=colour, alpha=0.13, linewidth=0)
        axis.plot(measured.frequencies, middle, color=colour, linestyle=line, linewidth=1.3, label=label)
    axis.set_xscale("log")
    edges = [1, *(high for _, high in BANDS.values())]
    axis.set_xlim(edges[0], edges[-1])
    axis.set_xticks(edges, [f"{edge:g}" for edge in edges])
    axis.minorticks_off()
    axis.set_xlabel("Frequency (Hz)")
    for number, (band, (low, high)) in enumerate(BANDS.items()):
        if number % 2 == 0:
            axis.axvspan(low, high, color="black", alpha=0.04, linewidth=0, zorder=0)
        axis.text(
            np.sqrt(low * high),
            1.01,
            band,
            ha="center",
            va="bottom",
            color="#555555",
            transform=axis.get_xaxis_transform(),
        )
    axis.set_title(title, pad=14)
    axis.legend(loc="lower left")  # power falls with frequency, so this corner is free


def _draw_map(axis, values: Mapping[str, float], places: Mapping[str, np.ndarray]) -> None:
    import mne

    radius = 0.095  # radius in metres of the head that MNE draws
    info = mne.create_info(list(values), 1.0, "eeg")
    montage = mne.channels.make_dig_montage({n: radius * places[n].astype(float) for n in values}, coord_frame="head")
    info.set_montage(montage, verbose="ERROR")
    shown = np.array(list(values.values()))
    limit = max(1.0, np.abs(shown).max())
    image, _ = mne.viz.plot_topomap(
        shown,
        info,
        axes=axis,
        vlim=(-limit, limit),
        cmap="PuOr_r",
        contours=4,
        sensors="k.",
        show=False,
        sphere=1.12 * radius,
        extrapolate="head",
    )
    axis.set_title("Alpha, eyes closed over open", pad=14)
    bar = axis.figure.colorbar(image, ax=axis, shrink=0.6, aspect=16, pad=0.06)
    bar.set_label("8-13 Hz (dB)")
    bar.outline.set_visible(False)
