# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Continuations of the same prompts with another reference, and of prompts that were cleaned of blinks.

A reference is a choice of the recordist. It must not matter to the quality of a continuation, and what it fixes must
stay fixed: with an average reference, the sum of all channels is zero in every sample. In a recording that was cleaned
of blinks, a generator must not blink.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import linalg

from get_hf.training.evaluation.descriptors import EPSILON, FRONTAL
from get_hf.training.evaluation.recordings import SAMPLING_RATE, Cut, Segments, Signal, cut_segments
from get_hf.training.evaluation.table import Rows

from .continuations import blink_row
from .other_prompts import OtherPrompts
from .two_sample import two_sample_rows

#: Chains of electrodes of the bipolar montage, each channel from one electrode to the next that was recorded.
CHAINS = (
    ("Fp1", "F7", "T7", "P7", "O1"),
    ("Fp2", "F8", "T8", "P8", "O2"),
    ("Fp1", "F3", "C3", "P3", "O1"),
    ("Fp2", "F4", "C4", "P4", "O2"),
    ("Fz", "Cz", "Pz"),
)
#: Fewest channels of a reference that is worth a measurement.
FEWEST_CHANNELS = 4
#: Smallest correlation of a component with a frontal channel that makes it a component of blinks.
LEAST_CORRELATION = 0.7


class OtherRecordings(OtherPrompts):
    """Prompts that were changed linearly, and a few rows of their continuations.

    Args:
        segments: Prompts and their real continuations.
        group: Group of the rows.
        label: End of each row's name.
        constraints: Orthonormal weights `(channels, constraints)` of the sums of channels that are always zero.
        with_blinks: Whether blinks are counted.
    """

    def __init__(
        self,
        segments: Segments,
        group: str,
        label: str,
        constraints: np.ndarray | None = None,
        with_blinks: bool = False,
    ):
        super().__init__(segments, group, label)
        self.constraints = np.zeros((len(segments.ch_names), 0)) if constraints is None else constraints
        self.with_blinks = with_blinks

    def rows(self, generated: np.ndarray | None, n_bootstrap: int = 200, seed: int = 0) -> dict[str, dict]:
        """Rows of `OtherPrompts`, a logistic regression on all features, constraints, and blinks."""
        table = super().rows(generated, n_bootstrap, seed)
        of = self.segments
        x = of.other if generated is None else generated
        rows = Rows(of.subjects, n_bootstrap, seed, of.recordings)
        two_sample_rows(rows, of.continuation, x, of.sampling_rate, ["logistic"], seed)
        rows.table = {name: row for name, row in rows.table.items() if name == "AUC everything, logistic"}
        if self.constraints.shape[1]:
            broken = np.sqrt(((self.constraints.T @ x) ** 2).mean(axis=-1)).max(axis=1)
            size = np.sqrt((x**2).mean(axis=(1, 2))) + EPSILON
            rows.fact("space", "constraints, largest error", "of RMS", ("at most", 1e-3), (broken / size).max())
        if self.with_blinks:
            # real recordings have a few high waves left, and generated ones may have as many
            blink_row(rows, x, of.ch_names, of.sampling_rate, ("times floor", 1.2))
        return table | {f"{name}, {self.label}": row | {"group": self.group} for name, row in rows.table.items()}


def with_references(segments: Segments, n_items: int | None = None) -> dict[str, OtherRecordings]:
    """The same prompts with the average of all channels as reference, with Cz as reference, and bipolar.

    Args:
        segments: Prompts with one common reference.
        n_items: Maximum number of prompts; None: all.

    Returns:
        By name, the references that the channels allow: none for fewer than four channels, or if the channels are
        bipolar already; Cz only if it was recorded.
    """
    names = segments.ch_names
    if any("-" in name for name in names):
        return {}
    matrices = {"average reference": (np.eye(len(names)) - 1 / len(names), names)}
    if "Cz" in names:
        kept = [name for name in names if name != "Cz"]
        matrices["Cz as reference"] = (_weights(names, [(name, "Cz") for name in kept]), kept)
    pairs = bipolar_pairs(names)
    matrices["bipolar"] = (_weights(names, pairs), [f"{a}-{b}" for a, b in pairs])
    fewer = segments.thinned(n_items)
    found = {}
    for name, (matrix, ch_names) in matrices.items():
        if len(ch_names) >= FEWEST_CHANNELS:
            parts = {part: matrix @ getattr(fewer, part) for part in ("prompt", "continuation", "other")}
            changed = replace(fewer, **parts, ch_names=list(ch_names))
            found[name] = OtherRecordings(changed, "references", name, linalg.null_space(matrix.T))
    return found


def bipolar_pairs(ch_names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of neighbours along `CHAINS`; electrodes that were not recorded are skipped."""
    pairs = []
    for chain in CHAINS:
        recorded = [name for name in chain if name in ch_names]
        pairs += list(pairwise(recorded))
    return list(dict.fromkeys(pairs))


def _weights(ch_names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Weights `(pairs, channels)` of the differences of pairs of channels."""
    weights = np.zeros((len(pairs), len(ch_names)))
    for row, (first, second) in zip(weights, pairs, strict=True):
        row[ch_names.index(first)] += 1
        row[ch_names.index(second)] -= 1
    return weights


def cut_cleaned(
    signals: Sequence[Signal], ch_names: Sequence[str], cut: Cut, n_items: int | None = None
) -> OtherRecordings | None:
    """Cuts prompts of recordings that were cleaned of blinks.

    Args:
        signals: Signals from `recordings`.
        ch_names: Channels of the signals.
        cut: Lengths of the prompts.
        n_items: Maximum number of prompts, one of each recording; None: one of every recording.

    Returns:
        The prompts; None without frontal channels, for fewer than four channels, or where no recording is long enough.
    """
    if len(ch_names) < FEWEST_CHANNELS or not set(FRONTAL) & set(ch_names):
        return None
    long = [signal for signal in signals if signal.x.shape[-1] >= cut.needed * SAMPLING_RATE]
    if n_items is not None and len(long) > n_items and not cut.other_recordings:
        long = [long[k] for k in np.linspace(0, len(long) - 1, n_items).round().astype(int)]
    cleaned = [signal._replace(x=without_blinks(signal.x, ch_names)) for signal in long]
    try:
        segments = cut_segments(cleaned, ch_names, items_per_recording=1, n_items=n_items, **cut.lengths)
    except ValueError:
        return None
    return OtherRecordings(segments, "cleaned", "cleaned", with_blinks=True)


def without_blinks(x: np.ndarray, ch_names: Sequence[str]) -> np.ndarray:
    """Removes components of blinks by independent component analysis (MNE's FastICA and `find_bads_eog`).

    Args:
        x: Recording `(channels, times)` in microvolts at 100 Hz.
        ch_names: Name of each channel.

    Returns:
        The recording without the components that follow a frontal channel; unchanged if there is no such component.
    """
    import mne
    from mne.preprocessing import ICA

    names = [name for name in FRONTAL if name in ch_names]
    info = mne.create_info(list(ch_names), SAMPLING_RATE, "eeg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # slow convergence, and filters longer than short recordings
        raw = mne.io.RawArray(1e-6 * x, info, verbose="ERROR")
        ica = ICA(n_components=0.999, method="fastica", random_state=0, max_iter=300, verbose="ERROR")
        ica.fit(raw, verbose="ERROR")
        found, _ = ica.find_bads_eog(
            raw, ch_name=names, measure="correlation", threshold=LEAST_CORRELATION, verbose="ERROR"
        )
        if not found:
            return x
        return 1e6 * ica.apply(raw.copy(), exclude=found, verbose="ERROR").get_data()
