# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Does generated EEG differ between eyes closed and eyes open as real EEG does?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from get_hf.training.evaluation.descriptors import BANDS, cut_windows, window_features
from get_hf.training.evaluation.table import Rows

from .transfer import band_power_decoder, transfer_accuracy

#: Electrodes at the back of the head, where closing the eyes raises alpha power.
POSTERIOR = ("P3", "Pz", "P4", "O1", "Oz", "O2")
CLOSED, OPEN = "eyes_closed", "eyes_open"


def alpha_rows(
    rows: Rows, real: np.ndarray, generated: np.ndarray, conditions: Sequence[str], ch_names: Sequence[str] | None
) -> None:
    """Adds two rows of posterior alpha power, eyes closed over open: the ratio over real EEG, and the ratio itself.

    Logarithms are averaged over channels, over items of a person, and over people who have both conditions. Nothing
    is added where no person has both.

    Args:
        rows: Table that gets the rows.
        real: Log alpha power of real EEG, `(items, channels)`.
        generated: Log alpha power of generated EEG, `(items, channels)`.
        conditions: Condition of each item.
        ch_names: Name of each channel; None: all channels count as posterior.
    """
    conditions = np.asarray(conditions)
    picks = [c for c, name in enumerate(ch_names or ()) if name in POSTERIOR] or list(range(real.shape[1]))
    effects: dict[object, tuple[float, float]] = {}
    for subject, items in rows.members.items():
        closed, opened = (items[conditions[items] == name] for name in (CLOSED, OPEN))
        if len(closed) and len(opened):
            found, true = (x[closed][:, picks].mean() - x[opened][:, picks].mean() for x in (generated, real))
            effects[subject] = found, true
    if not effects:
        return

    def over_real(sample, _):
        found = [ours - true for ours, true in (effects[s] for s in sample if s in effects)]
        return np.exp(np.mean(found)) if found else np.nan

    def ratio(sample, _):
        found = [effects[s][0] for s in sample if s in effects]
        return np.exp(np.mean(found)) if found else np.nan

    rows.add("conditions", "alpha eyes closed / open", "over real", ("between", 0.9, 1.1), over_real)
    rows.add("conditions", "alpha eyes closed / open, itself", "ratio", None, ratio)


def eyes_rows(
    rows: Rows, real: np.ndarray, generated: np.ndarray, conditions: Sequence[str], sampling_rate: float
) -> None:
    """Adds the accuracy, on real EEG of other people, of a decoder of closed eyes trained on generated EEG.

    Its features are log band powers of 2 s windows. Each person's mean is subtracted, because people differ more than
    conditions. Nothing is added where "eyes_closed" or "eyes_open" is missing, or with fewer than two people.

    Args:
        rows: Table that gets the row.
        real: Real continuations, `(items, channels, times)` in microvolts.
        generated: Generated continuations, of the same shape.
        conditions: Condition of each item.
        sampling_rate: Sampling rate in Hz.
    """
    conditions = np.asarray(conditions)
    chosen = np.flatnonzero(np.isin(conditions, (CLOSED, OPEN)))
    if len(np.unique(conditions[chosen])) < 2 or len(np.unique(rows.subjects[chosen])) < 2:
        return
    n_times = int(2 * sampling_rate)
    n_windows = real.shape[-1] // n_times
    labels, subjects = (np.repeat(each[chosen], n_windows) for each in (conditions == CLOSED, rows.subjects))
    features = []
    for x in (generated, real):
        of_family = window_features(cut_windows(x[chosen], n_times), sampling_rate)
        powers = np.concatenate([of_family[band] for band in BANDS], axis=1)
        for subject in np.unique(subjects):
            powers[subjects == subject] -= powers[subjects == subject].mean(axis=0)
        features.append(powers)
    trained, tested = features
    correct = transfer_accuracy(band_power_decoder, trained, tested, labels, subjects)
    per_item = np.full(len(conditions), np.nan)
    per_item[chosen] = correct.reshape(len(chosen), n_windows).mean(axis=1)
    name = "eyes closed or open: trained on it, right on real"
    rows.mean("conditions", name, "share of windows", ("floor less", 0.05), per_item)
