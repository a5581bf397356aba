# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Scores detected events by the rules of SzCORE: sensitivity, precision, F1 and false alarms per day.

SzCORE (Dan et al., Epilepsia 2024, doi:10.1111/epi.18113) counts a seizure as detected if anything overlaps it, from
30 s before its onset to 60 s after its end. Events less than 90 s apart are one event, and events of more than five
minutes are several. The library of its authors, `timescoring`, applies these rules.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: Samples per second at which events are compared.
RATE = 10
#: Columns of SzCORE that are read, and the event type of a recording without seizures.
READ, BACKGROUND = ("onset", "duration", "eventType", "recordingDuration"), "bckg"


@dataclass(frozen=True)
class EventFigures:
    """How well events were detected.

    Attributes:
        n_events: Events in the reference, after merging and splitting.
        n_detected: Those that were detected.
        n_false: Detections of nothing.
        seconds: Duration of the recordings.
    """

    n_events: int
    n_detected: int
    n_false: int
    seconds: float

    @property
    def sensitivity(self) -> float:
        """Share of events that were detected; NaN without events."""
        return self.n_detected / self.n_events if self.n_events else np.nan

    @property
    def precision(self) -> float:
        """Share of detections that were of an event; NaN without detections."""
        n_detections = self.n_detected + self.n_false
        return self.n_detected / n_detections if n_detections else np.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN without events and detections."""
        n = self.n_events + self.n_detected + self.n_false
        return 2 * self.n_detected / n if n else np.nan

    @property
    def false_alarms_per_day(self) -> float:
        """Detections of nothing in 24 hours."""
        return self.n_false / (self.seconds / 86_400)


def event_figures(
    recordings: Iterable[tuple[Sequence[tuple[float, float]], Sequence[tuple[float, float]], float]],
) -> EventFigures:
    """Compares detected events with those of a reference, in all recordings together.

    Args:
        recordings: For each recording: events of the reference, detected events, as (onset, duration) in seconds from
            the first sample, and the duration of the recording in seconds.

    Raises:
        ImportError: timescoring is not installed.
        ValueError: An event lies outside its recording, or there is no recording.
    """
    try:
        from timescoring.annotations import Annotation
        from timescoring.scoring import EventScoring
    except ImportError as error:
        raise ImportError('Scoring events needs timescoring: pip install "get-hf[train]".') from error
    counts, total = np.zeros(3, dtype=int), 0.0
    for reference, found, seconds in recordings:
        n_times = round(seconds * RATE)
        both = []
        for events in (reference, found):
            for onset, duration in events:
                if not 0 <= onset <= onset + duration <= seconds + 1:  # lists are rounded to whole seconds
                    raise ValueError(
                        f"An event lasts from {onset:g} to {onset + duration:g} s, and its recording {seconds:g} s."
                    )
            spans = sorted((onset, min(onset + duration, seconds)) for onset, duration in events)
            both.append(Annotation(spans, RATE, n_times))
        scoring = EventScoring(*both)
        counts += np.array([scoring.refTrue, scoring.tp, scoring.fp], dtype=int)
        total += seconds
    if not total:
        raise ValueError("There is no recording to score events of: give at least one.")
    n_reference, n_hits, n_false = counts.tolist()
    return EventFigures(n_reference, n_hits, n_false, total)


def read_szcore(path: str | Path) -> tuple[list[tuple[float, float]], float]:
    """Reads a table of events in the format of SzCORE.

    Args:
        path: A `.tsv` file with the columns of SzCORE.

    Returns:
        Onset and duration of each seizure, and the duration of the recording, in seconds.

    Raises:
        ValueError: A column is missing, or a value is no number.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or any(row.get(name) is None for name in READ for row in rows):
        raise ValueError(
            f"{path} is no table of SzCORE, which has the columns {', '.join(READ)} and at least one row."
        )
    try:
        events = [(float(row["onset"]), float(row["duration"])) for row in rows if row["eventType"] != BACKGROUND]
        return events, float(rows[0]["recordingDuration"])
    except ValueError as error:
        raise ValueError(f"{path} has an onset or a duration that is no number: {error}.") from error
