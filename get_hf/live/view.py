# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Shows in the terminal what a listener finds, while it finds it."""

from collections import deque

import numpy as np
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from get_hf.live.judging import Forecast
from get_hf.live.listener import Finding, Listener

#: Seconds that the curves show, and characters of a channel's curve.
SHOWN_SECONDS, CHANNEL_WIDTH = 60.0, 16
#: Deviations that fill a curve.
MOST_DEVIATIONS = 10.0
#: Lines of a forecast, and messages that are shown.
FORECAST_LINES, N_NOTES = 7, 4
_BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: np.ndarray, low: float, high: float, width: int) -> str:
    """Draws values as a line of bars, the last one at the right; unknown values are dots.

    Args:
        values: Values in order of time; NaN is unknown.
        low: Value of the lowest bar.
        high: Value of the highest bar.
        width: Number of characters. Where there are more values, each character is the largest of some of them.
    """
    if not len(values):
        return " " * width
    parts = np.array_split(values, width) if len(values) > width else [values[[at]] for at in range(len(values))]
    letters = []
    for part in parts:
        known = part[~np.isnan(part)]
        share = (known.max() - low) / max(high - low, 1e-9) if len(known) else np.nan
        letters.append("·" if np.isnan(share) else _BARS[1 + int(np.clip(share * 7.999, 0, 7))])
    return "".join(letters).rjust(width)


class View:
    """What the terminal shows: `rich` draws it again and again.

    Args:
        listener: The listener.
        source: What is heard, in words.

    Attributes:
        forecast: How the stream may go on. None: not shown.
        behind: Seconds by which findings come later than they should.
    """

    def __init__(self, listener: Listener, source: str):
        self._listener, self._source = listener, source
        n_shown = round(SHOWN_SECONDS / listener.patch_seconds)
        self._surprise: deque[float] = deque(maxlen=n_shown)
        self._microvolts: deque[np.ndarray] = deque(maxlen=n_shown)
        self._last: Finding | None = None
        self._probabilities: np.ndarray | None = None
        self.forecast: Forecast | None = None
        self.behind = 0.0

    def take(self, finding: Finding) -> None:
        """Takes the next finding."""
        self._surprise.append(finding.surprise)
        self._microvolts.append(finding.microvolts)
        self._last = finding
        if finding.probabilities is not None:
            self._probabilities = finding.probabilities

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws everything in the width of the terminal."""
        width = max(40, options.max_width) - 4
        parts: list[RenderableType] = [self._head()]
        if self._last is not None:
            parts.append(self._course(width))
        if self._probabilities is not None:
            parts.append(self._classes(width))
        parts.append(self._channels())
        if self.forecast is not None:
            parts.append(self._ribbon(self.forecast, width))
        if self._listener.notes:
            lines = [f"{_clock(seconds)}  {note}" for seconds, note in list(self._listener.notes)[-N_NOTES:]]
            parts.append(Text("\n".join(lines), style="yellow"))
        yield Panel(Group(*parts), title=Text(f"get-hf listen  {self._source}"))

    def _head(self) -> Text:
        listener = self._listener
        rate = listener.sampling_rate
        text = Text(f"{len(listener.ch_names)} channels at {rate:g} Hz   heard {_clock(listener.seconds)}")
        if self._last is not None:
            text.append(f"   findings up to {_clock(self._last.seconds + listener.patch_seconds)}")
        if listener.reference is None:
            heard, needed = listener.usual_seconds
            text.append(f"   learns what is usual: {heard:.0f} of {needed:g} s", style="bold cyan")
        if self.behind > 1.0:
            text.append(f"   {self.behind:.0f} s behind", style="bold red")
        return text

    def _course(self, width: int) -> Text:
        """The surprise over the last minute."""
        assert self._last is not None
        values, now = np.array(self._surprise), self._last.surprise
        is_unusual = now > self._listener.threshold
        text = Text("surprise  ", style="bold")
        text.append(sparkline(values, 0.0, MOST_DEVIATIONS, max(10, width - 32)), style="red" if is_unusual else "")
        text.append("    -   " if np.isnan(now) else f" {now:6.1f} ", style="bold red" if is_unusual else "bold")
        text.append("unusual" if is_unusual else "deviations", style="bold red" if is_unusual else "dim")
        return text

    def _classes(self, width: int) -> Table:
        """A bar for each class."""
        assert self._probabilities is not None
        table = Table.grid(padding=(0, 1))
        most = self._probabilities.max()
        for name, share in zip(self._listener.classes, self._probabilities, strict=True):
            n_full = round(share * max(10, width - 32))
            style = "bold green" if share == most else "dim"
            table.add_row(Text(name, style=style), Text("█" * n_full, style=style), Text(f"{share:.2f}", style=style))
        return table

    def _channels(self) -> Columns:
        """The loudness of each channel over the last minute, in logarithmic bars, and its deviation."""
        listener, cells = self._listener, []
        loud = np.array(self._microvolts) if self._microvolts else np.zeros((0, len(listener.ch_names)))
        longest = max(map(len, listener.ch_names))
        for at, name in enumerate(listener.ch_names):
            curve = np.log10(np.maximum(loud[:, at], 0.1))
            text = Text(f"{name:{longest}} ")
            text.append(sparkline(curve, 0.0, 2.5, CHANNEL_WIDTH), style="dim")
            if not listener.good[at]:
                text.append(" left out", style="yellow")
            elif self._last is not None:
                now, deviation = self._last.microvolts[at], self._last.channels[at]
                style = "red" if deviation > listener.threshold else ""
                text.append("    - µV" if np.isnan(now) else f" {now:4.0f} µV", style=style)
            cells.append(text)
        return Columns(cells, padding=(0, 3))

    def _ribbon(self, forecast: Forecast, width: int) -> Text:
        """The first channel that has a forecast: its past, and the range of its continuations."""
        known = np.flatnonzero(np.isfinite(forecast.draws).all(axis=(0, 2)))
        if not len(known):
            return Text()
        past, draws = forecast.past[known[0]], forecast.draws[:, known[0]]
        step = max(1, -(-(len(past) + draws.shape[-1]) // max(20, width - 12)))
        before = past[: len(past) // step * step].reshape(-1, step).mean(axis=-1)
        n_later = draws.shape[-1] // step
        later = draws[:, : n_later * step].reshape(len(draws), n_later, step).mean(axis=-1)
        most = max(np.abs(before).max(initial=0), np.abs(later).max(initial=0), 1.0)

        def line_of(value: np.ndarray) -> np.ndarray:
            return np.round((0.5 - 0.5 * value / most) * (FORECAST_LINES - 1)).astype(int)

        rows = np.full((FORECAST_LINES, len(before) + n_later), " ")
        rows[line_of(before), np.arange(len(before))] = "•"
        for at in range(n_later):
            top, bottom = line_of(later[:, at].max()), line_of(later[:, at].min())
            rows[top : bottom + 1, len(before) + at] = "░"
            rows[line_of(later[0, at]), len(before) + at] = "▒"
        text = Text(f"forecast of {self._listener.ch_names[known[0]]}, ±{most:.0f} µV\n", style="bold")
        for row in rows:
            text.append("".join(row[: len(before)]))
            text.append("".join(row[len(before) :]) + "\n", style="cyan")
        text.rstrip()
        return text


def plain(finding: Finding, listener: Listener, probabilities: np.ndarray | None) -> str:
    """A finding in one line, for outputs that are no terminal."""
    surprise = "-" if np.isnan(finding.surprise) else f"{finding.surprise:.2f}"
    parts = [f"{finding.seconds + listener.patch_seconds:.2f} s", f"surprise {surprise}"]
    if probabilities is not None:
        parts += [f"{name} {share:.3f}" for name, share in zip(listener.classes, probabilities, strict=True)]
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
