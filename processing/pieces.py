# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""An `mne.io.Raw` of a file that is read in pieces; `loading.py` imports it where MNE is installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

try:
    import mne
except ImportError as error:
    raise ImportError("Reading a file of EEG needs MNE: pip install mne, or give an array.") from error


class RawInPieces(mne.io.BaseRaw):
    """A recording whose samples are read when they are asked for, by the process that parses files.

    Args:
        info: `mne.Info` of the channels.
        first_sample: MNE's number of the first sample.
        n_times: Number of samples.
        file: The file.
        read: Function from two sample numbers to `(channels, times)` in volts.
    """

    def __init__(self, info: Any, first_sample: int, n_times: int, file: Path, read: Callable[[int, int], np.ndarray]):
        for channel in info["chs"]:  # what is read is in volts already
            channel["cal"] = channel["range"] = 1.0
        super().__init__(
            info,
            preload=False,
            first_samps=[first_sample],
            last_samps=[first_sample + n_times - 1],
            filenames=[file],
            raw_extras=[{"read": read, "first": first_sample}],
            verbose="ERROR",
        )

    def _read_segment_file(
        self,
        data: np.ndarray,
        idx: slice | np.ndarray,
        fi: int,
        start: int,
        stop: int,
        cals: np.ndarray | None,
        mult: np.ndarray | None,
    ) -> None:
        # MNE counts from the number of the first sample
        extras = self._raw_extras[fi]
        volts = extras["read"](start - extras["first"], stop - extras["first"])[idx]
        data[:] = volts if mult is None else mult @ volts
