# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of what GET finds in a recording: unusual moments, and classes of windows."""

from typing import TYPE_CHECKING

import numpy as np

from get_hf.plotting import GENERATED, PROMPT, STYLE, add_letter, channel_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from get_hf.classification import Classification
    from get_hf.scoring import Scores

#: Largest number of points of a curve; more are narrower than a line.
MAX_POINTS = 2000
#: Largest number of columns of the picture of a classification; in longer recordings each is the mean of some windows.
MAX_COLUMNS = 1200


def plot_scores(scores: "Scores") -> "Figure":
    """Draws how unusual a recording is: the course with its threshold and events, and below it every channel.

    Of a long recording, each point is the largest value of several patches.

    Args:
        scores: Result of `get_hf.scoring.score_recording`.

    Returns:
        A matplotlib figure.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, StrMethodFormatter

    together = -(-len(scores.course) // MAX_POINTS)
    channels, (course,) = _largest(scores.channels, together), _largest(scores.course[None], together)
    edges = scores.patch_seconds * together * np.arange(len(course) + 1)
    rows = max(1, len(channels) // 16)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.6), dpi=150, layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.6))
        for onset, duration, _ in scores.events:
            above.axvspan(onset, onset + duration, color=GENERATED, alpha=0.2, linewidth=0)
        above.plot((edges[:-1] + edges[1:]) / 2, course, color=PROMPT, linewidth=0.8)
        above.axhline(scores.threshold, color="black", linewidth=0.6, linestyle=(0, (4, 2)))
        above.set_yscale("symlog", linthresh=10)  # a seizure may have hundreds of deviations
        above.yaxis.set_major_locator(FixedLocator([-10, -5, 0, 5, 10, 100, 1000, 10_000]))
        above.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        above.set_ylabel("Score (deviations)")
        image = below.pcolormesh(
            edges, np.arange(len(channels) + 1), channels, cmap="RdBu_r", vmin=-6, vmax=6, rasterized=True
        )
        below.invert_yaxis()
        names = [channel_label(name) for name in scores.ch_names[::rows]]
        below.set_yticks(np.arange(len(channels))[::rows] + 0.5, names)
        below.tick_params(axis="y", length=0, labelsize=6)
        below.set_xlim(0, edges[-1])
        below.set_xlabel("Time (s)")
        bar = figure.colorbar(image, ax=[above, below], shrink=0.7, aspect=25, pad=0.01)
        bar.set_label("Score of a patch (deviations)")
        bar.outline.set_visible(False)
    return figure


def _largest(values: np.ndarray, together: int) -> np.ndarray:
    """The largest of each `together` neighbours of `(rows, times)`; NaN where none is known."""
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % together)), constant_values=np.nan)
    largest = np.nan_to_num(padded, nan=-np.inf).reshape(len(values), -1, together).max(axis=-1)
    return np.where(np.isinf(largest), np.nan, largest)


def plot_classification(found: "Classification") -> "Figure":
    """Draws the windows of a classified recording.

    (a) Spectrogram, the mean over channels. (b) Probability of each class. (c) The most probable class. Parts without
    windows, such as those annotated bad, stay empty.

    Args:
        found: Result of `classify`.

    Returns:
        A matplotlib figure, to be saved with `savefig`.
    """
    import matplotlib
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    unit, name = (1, "s") if found.seconds <= 600 else (60, "min") if found.seconds <= 7200 else (3600, "h")
    scores, edges = _in_columns(found, found.scores)
    density = 10 * np.log10(_in_columns(found, found.spectra)[0] + 1e-6)
    shown = (found.frequencies >= 1) & (found.frequencies <= 45)
    step = found.frequencies[1]
    colours = [matplotlib.colormaps["tab10"](index % 10) for index in range(len(found.classes))]
    labels = np.where(np.isnan(scores[:, 0]), np.nan, scores.argmax(axis=1))
    if found.threshold is not None:
        labels[np.nan_to_num(scores).max(axis=1) < found.threshold] = np.nan
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.2), dpi=150, layout="constrained")
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1.5, 0.2))
        borders = np.append(found.frequencies[shown] - step / 2, found.frequencies[shown][-1] + step / 2)
        limits = np.nanquantile(density[:, shown], (0.02, 0.99))
        image = above.pcolormesh(
            edges / unit, borders, density[:, shown].T, vmin=limits[0], vmax=limits[1], cmap="viridis", rasterized=True
        )
        above.set_ylabel("Frequency (Hz)")
        bar = figure.colorbar(image, ax=above, aspect=15, pad=0.01)
        bar.set_label("dB re 1 µV²/Hz")
        bar.outline.set_visible(False)
        for score, label, colour in zip(scores.T, found.classes, colours, strict=True):
            middle.stairs(score, edges / unit, baseline=None, color=colour, linewidth=1.0, label=label)
        if found.threshold is not None:
            middle.axhline(found.threshold, color="black", linewidth=0.5, linestyle=(0, (4, 2)))
        middle.set_ylim(-0.03, 1.03)
        middle.set_ylabel("Probability")
        middle.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=6, borderaxespad=0.2)
        below.pcolormesh(
            edges / unit,
            [0, 1],
            labels[None],
            cmap=ListedColormap(colours),
            vmin=-0.5,
            vmax=len(colours) - 0.5,
            rasterized=True,
        )
        below.set_yticks([])
        below.set_ylabel("Class", rotation=0, ha="right", va="center")
        below.set_xlim(0, edges[-1] / unit)
        below.set_xlabel(f"Time ({name})")
        for letter, axes in zip("abc", (above, middle, below), strict=True):
            add_letter(axes, letter)
    return figure


def _in_columns(found: "Classification", values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of `(windows, n)` in columns of equal length `(columns, n)`, NaN outside of windows; and their edges."""
    n_columns = int(np.clip(np.ceil(found.seconds / found.settings["stride_seconds"]), 1, MAX_COLUMNS))
    edges = np.linspace(0, found.seconds, n_columns + 1)
    middles = 0.5 * (found.starts + found.ends)
    column = np.clip(np.searchsorted(edges, middles, side="right") - 1, 0, n_columns - 1)
    counts = np.bincount(column, minlength=n_columns)
    sums = np.zeros((n_columns, values.shape[1]))
    np.add.at(sums, column, values)
    # a window covers more than the column of its middle
    covered = np.zeros(n_columns, dtype=bool)
    for start, end in zip(found.starts, found.ends, strict=True):
        first = np.searchsorted(edges, start + 1e-6, side="right") - 1
        covered[first : np.searchsorted(edges, end - 1e-6)] = True
    known = np.flatnonzero(counts)
    nearest = known[np.abs(np.arange(n_columns)[:, None] - known).argmin(axis=1)]
    return np.where(covered[:, None], sums[nearest] / counts[nearest, None], np.nan), edges
