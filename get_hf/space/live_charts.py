# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws the live view of the page as vector graphics (SVG): traces, surprise, classes and a forecast.

A frame has to be drawn several times a second while the model listens. Matplotlib takes a third of a second of a core
for one, and Gradio builds a figure of Plotly from nothing each time. A frame of lines takes some milliseconds.
"""

import html
from collections.abc import Iterable

import numpy as np

from get_hf.plotting import GENERATED, PROMPT, channel_label
from get_hf.space.charts import CLASSES
from get_hf.space.live_scene import COURSE_SECONDS, Scene

#: Colours of what is unusual, of frames and of what is left out.
UNUSUAL, GRID, PALE = "#b91c1c", "#e5e7eb", "#9ca3af"
#: Deviations that the panel of the surprise always has room for, and those beyond which it ends.
LEAST_DEVIATIONS, MOST_DEVIATIONS = 8.0, 30.0
#: Seconds before the present end that the panel of the forecast shows, in a wide and a narrow window.
BEFORE_FORECAST = {False: 6.0, True: 3.0}
_INK = "#1f2937"


class Panel:
    """A frame with axes, and lines in it.

    Args:
        width: Width of the picture in pixels.
        height: Height of the frame in pixels.
        x: First and last value of the horizontal axis.
        y: Lowest and highest value of the vertical axis.
        left: Pixels to the left of the frame.
        right: Pixels to the right of it.
        top: Pixels above it.
    """

    def __init__(
        self,
        width: float,
        height: float,
        x: tuple[float, float],
        y: tuple[float, float],
        left: float = 44,
        right: float = 16,
        top: float = 22,
    ):
        self.left, self.top, self.right, self.bottom = left, top, width - right, top + height
        self._width, self._height = width, top + height + 34
        self._x, self._y = x, y
        self._parts: list[str] = []

    def at_x(self, value: float) -> float:
        """The pixel of a value of the horizontal axis, inside the frame."""
        share = (value - self._x[0]) / (self._x[1] - self._x[0])
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def at_y(self, value: float) -> float:
        """The pixel of a value of the vertical axis, inside the frame."""
        share = (value - self._y[0]) / (self._y[1] - self._y[0])
        return self.bottom - (self.bottom - self.top) * min(max(share, 0.0), 1.0)

    def text(
        self, x: float, y: float, said: str, anchor: str = "start", colour: str = _INK, bold: bool = False
    ) -> None:
        """Writes at pixels `x`, `y`."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{html.escape(said)}</text>'
        )

    def rule(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float = 1, dash: str = "") -> None:
        """Draws a straight line between pixels."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" '
            f'stroke-width="{width:g}"{dashes}/>'
        )

    def band(self, start: float, end: float, colour: str, opacity: float) -> None:
        """Shades the frame between two values of the horizontal axis."""
        x0, x1 = self.at_x(start), self.at_x(end)
        self._parts.append(
            f'<rect x="{x0:.1f}" y="{self.top:.1f}" width="{max(0.0, x1 - x0):.1f}" '
            f'height="{self.bottom - self.top:.1f}" fill="{colour}" fill-opacity="{opacity:g}"/>'
        )

    def line(self, x: np.ndarray, y: np.ndarray, colour: str, width: float = 1.0) -> None:
        """Draws a line through values; it ends where a value is NaN."""
        for part in _known(x, y):
            self._path(self._pixels(x[part], y[part]), f'fill="none" stroke="{colour}" stroke-width="{10 * width:g}"')

    def area(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, opacity: float) -> None:
        """Fills the area between two lines."""
        around = np.concatenate([self._pixels(x, low), self._pixels(x, high)[::-1]])
        if len(around):
            self._path(around, f'fill="{colour}" fill-opacity="{opacity:g}" stroke="none"')

    def frame(
        self, x_ticks: Iterable[float], y_ticks: Iterable[tuple[float, str]], x_title: str, is_grid: bool = True
    ) -> None:
        """Draws the axes, the ticks and the title of the horizontal axis."""
        for value in x_ticks:
            place = self.at_x(value)
            self.rule(place, self.top, place, self.bottom, GRID)
            self.text(place, self.bottom + 15, f"{value:g}", "middle")
        for value, said in y_ticks:
            place = self.at_y(value)
            if is_grid:
                self.rule(self.left, place, self.right, place, GRID)
            self.text(self.left - 6, place + 4, said, "end")
        self.text(0.5 * (self.left + self.right), self.bottom + 30, x_title, "middle")

    def svg(self, said: str) -> str:
        """The picture; `said` is read to people who do not see it."""
        return (
            f'<svg viewBox="0 0 {self._width:.0f} {self._height:.0f}" width="100%" role="img" '
            f'aria-label="{html.escape(said)}">{"".join(self._parts)}</svg>'
        )

    def _pixels(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Tenths of pixels `(n, 2)`, inside the frame."""
        shares = [(values - low) / (high - low) for values, (low, high) in ((x, self._x), (y, self._y))]
        across, up = (np.clip(share, 0.0, 1.0) for share in shares)
        places = self.left + (self.right - self.left) * across, self.bottom - (self.bottom - self.top) * up
        return np.rint(10 * np.stack(places, axis=-1)).astype(int)

    def _path(self, pixels: np.ndarray, style: str) -> None:
        steps = np.diff(pixels, axis=0).ravel().tolist()
        self._parts.append(
            f'<path transform="scale(.1)" stroke-linejoin="round" d="M{pixels[0, 0]} {pixels[0, 1]}l'
            f'{" ".join(map(str, steps))}" {style}/>'
        )


def _known(x: np.ndarray, y: np.ndarray) -> list[slice]:
    """The parts of a line, of two points and more, in which all values are known."""
    known = np.concatenate([[False], np.isfinite(x) & np.isfinite(y), [False]])
    edges = np.flatnonzero(np.diff(known.astype(int))).reshape(-1, 2)
    return [slice(first, last) for first, last in edges.tolist() if last - first > 1]


def _seconds(start: float, end: float, most: int) -> np.ndarray:
    """Round seconds between two times, at most so many of them."""
    step = next((nice for nice in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if (end - start) / nice <= most), 1800)
    return step * np.arange(np.ceil(max(start, 0.0) / step), np.floor(end / step) + 1)


def traces(scene: Scene, width: float, narrow: bool) -> str:
    """Draws the last seconds of all channels; the newest sample is at the right."""
    listener, shown = scene.listener, scene.traces
    n_chans, end = len(listener.ch_names), max(scene.now, scene.seconds)
    row = float(np.clip((300 if narrow else 400) / n_chans, 12 if narrow else 14, 30))
    offsets = -scene.spacing * np.arange(n_chans)
    limits = offsets[-1] - scene.spacing, scene.spacing
    panel = Panel(width, row * (n_chans + 1.0), (end - scene.seconds, end), limits, right=56)
    for stop, surprise in scene.findings[-round(scene.seconds / listener.patch_seconds) :]:
        if surprise > listener.threshold and stop > end - scene.seconds:
            panel.band(stop - listener.patch_seconds, stop, UNUSUAL, 0.12)
    labels = zip(offsets, map(channel_label, listener.ch_names), strict=True)
    panel.frame(_seconds(end - scene.seconds, end, 10), labels, "Time (s)", is_grid=False)
    values = np.clip(shown.values, -2 * scene.spacing, 2 * scene.spacing)
    for values_of, offset, is_good in zip(values, offsets, listener.good, strict=True):
        panel.line(shown.times, values_of + offset, PROMPT if is_good else PALE, 0.7)
    if end - scene.seconds < scene.judged < scene.now and not scene.is_over:
        place = panel.at_x(scene.judged)
        panel.rule(place, panel.top, place, panel.bottom, GENERATED, 1, "4 3")
        panel.text(place - 4, panel.top - 7, "judged up to here", "end", GENERATED)
    height = max((nice for nice in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if nice <= scene.spacing), default=1)
    low, high = panel.at_y(offsets[-1]), panel.at_y(offsets[-1] + height)
    panel.rule(panel.right + 6, low, panel.right + 6, high, _INK, 2)
    panel.text(panel.right + 10, 0.5 * (low + high) + 4, f"{height} µV")
    return panel.svg(f"EEG of {n_chans} channels up to second {scene.now:.0f}")


def _course(scene: Scene) -> tuple[float, float]:
    """The seconds that the courses show: the last ones, and in the end all."""
    end = max(scene.now, COURSE_SECONDS)
    return (0.0 if scene.is_over else end - COURSE_SECONDS), end


def surprise(scene: Scene, width: float) -> str:
    """Draws the surprise of the last minute, and the threshold above which a moment is unusual."""
    listener, (start, end) = scene.listener, _course(scene)
    found = np.array(scene.findings).reshape(-1, 2)
    times, values = found[found[:, 0] > start].T
    threshold = listener.threshold
    highest = np.nanmax(values) if np.isfinite(values).any() else 0.0
    most = float(np.clip(1.15 * highest, max(LEAST_DEVIATIONS, 1.3 * threshold), MOST_DEVIATIONS))
    panel = Panel(width, 110, (start, end), (-2.0, most))
    _, needed = listener.usual_seconds
    if start < needed:
        panel.band(0.0, min(needed, scene.now), PALE, 0.2)
    step = 5 if most <= 15 else 10
    panel.frame(_seconds(start, end, 6), [(y, f"{y:g}") for y in range(0, int(most) + 1, step)], "Time (s)")
    if start + 0.15 * (end - start) < needed:
        panel.text(panel.at_x(start) + 6, panel.top + 14, "shows what is usual", colour="#4b5563")
    for part in _known(times, values):
        x, y = times[part], values[part]
        panel.area(x, np.full(len(x), threshold), np.maximum(y, threshold), UNUSUAL, 0.5)
    panel.line(times, values, PROMPT, 1.4)
    place = panel.at_y(threshold)
    panel.rule(panel.left, place, panel.right, place, UNUSUAL, 1, "5 3")
    panel.text(panel.left + 6, place - 4, "threshold", colour=UNUSUAL)
    last = values[-1] if len(values) else np.nan
    is_unusual = last > threshold
    panel.text(panel.left, 14, "Surprise (deviations)", bold=True)
    if not scene.is_over:
        said = "not known yet" if np.isnan(last) else f"{last:.1f}, {'unusual' if is_unusual else 'usual'}"
        panel.text(panel.right, 14, said, "end", UNUSUAL if is_unusual else _INK, bold=True)
    return panel.svg(f"Surprise over time, at present {last:.1f} deviations, threshold {threshold:g}")


def classes(scene: Scene, width: float) -> str:
    """Draws the probabilities of the windows of the last minute; each belongs to the window that ends there."""
    (start, end), names = _course(scene), [name.replace("_", " ") for name in scene.listener.classes]
    panel = Panel(width, 110, (start, end), (-0.02, 1.02))
    panel.frame(_seconds(start, end, 6), [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")], "Time (s)")
    if scene.windows:
        times = np.array([at for at, _ in scene.windows])
        shares = np.array([each for _, each in scene.windows])
        seen = times > start
        for index in range(len(names)):
            panel.line(times[seen], shares[seen, index], CLASSES[index % len(CLASSES)], 1.8)
    place = panel.left
    for index, name in enumerate(names):
        share = f" {100 * scene.windows[-1][1][index]:.0f} %" if scene.windows and not scene.is_over else ""
        panel.text(place, 14, name + share, colour=CLASSES[index % len(CLASSES)], bold=True)
        place += 7.5 * (len(name) + 7)
    now = scene.windows[-1][1] if scene.windows else []
    said = ", ".join(f"{name} {100 * share:.0f} %" for name, share in zip(names, now, strict=False))
    return panel.svg(f"Probabilities over time, at present {said or 'not known yet'}")


def forecast(scene: Scene, width: float, narrow: bool) -> str:
    """Draws the forecasts of a channel, and the samples that came afterwards."""
    name = channel_label(scene.listener.ch_names[scene.channel])
    forecasts = [each for each in list(scene.forecasts) if np.isfinite(each.draws[:, scene.channel]).all()]
    end, before = scene.judged, BEFORE_FORECAST[narrow]
    length = forecasts[-1].draws.shape[-1] / scene.rate if forecasts else 2.0
    if forecasts and forecasts[-1].seconds < scene.judged - before + 2.0:  # a slow computer is late
        end = forecasts[-1].seconds + 1.0
    x = end - before, end + length
    times, clean = scene.clean(x[0], x[1])
    seen = [each for each in forecasts if each.seconds + length > x[0]]
    sizes = [np.abs(clean[scene.channel]), *(np.abs(each.draws[:, scene.channel]).ravel() for each in seen)]
    most = 1.1 * float(max((size.max(initial=0.0) for size in sizes), default=0.0)) or 1.0
    panel = Panel(width, 120, x, (-most, most))
    unit = next((nice for nice in (5, 10, 20, 50, 100, 200, 500, 1000) if 2.2 * nice > most), 2000)
    panel.frame(_seconds(*x, 10), [(-unit, f"-{unit}"), (0, "0"), (unit, f"{unit}")], "Time (s)")
    for each in seen:
        at = each.seconds + np.arange(each.draws.shape[-1]) / scene.rate
        inside = at >= x[0]
        draws = each.draws[:, scene.channel][:, inside]
        panel.area(at[inside], draws.min(axis=0), draws.max(axis=0), GENERATED, 0.28)
        panel.line(at[inside], np.median(draws, axis=0), GENERATED, 0.8)
        if each.seconds >= x[0]:
            place = panel.at_x(each.seconds)
            panel.rule(place, panel.top, place, panel.bottom, GENERATED, 1, "2 3")
    panel.line(times, clean[scene.channel], PROMPT, 1.4)
    panel.text(panel.left, 14, f"{name} (µV)", bold=True)
    if not np.isnan(scene.within):
        panel.text(panel.right, 14, f"{100 * scene.within:.0f} % of the samples came within", "end", GENERATED, True)
    return panel.svg(f"Forecasts of {name}, and what came")
