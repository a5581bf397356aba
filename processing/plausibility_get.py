# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checks that each channel of a cleaned recording has the amplitude of EEG.

Cleaning removes offset and drift, so these do not count.
"""

import warnings
from collections.abc import Sequence

import numpy as np

#: Bounds of the standard deviation of the median channel in cleaned EEG, in microvolts. Outside, the unit is wrong.
PLAUSIBLE_MICROVOLTS = (0.5, 1000.0)
#: Usual bounds of the same standard deviation, in microvolts. Outside, the unit may be wrong.
USUAL_MICROVOLTS = (1.5, 250.0)
#: Largest absolute value of a usable channel, in microvolts.
HIGHEST_MICROVOLTS = 3000.0
#: A channel is a loose electrode if it is `LOUD` times as strong as the median channel and exceeds `LOUD_MICROVOLTS`.
#: Frequent eye movements may be as strong at the forehead, but they stay below a millivolt.
LOUD, LOUD_MICROVOLTS = 4.0, 1000.0
#: Smallest strength of a channel that records EEG, as a share of the median channel's strength.
QUIET = 0.02


def usable_channels(data: np.ndarray, ch_names: Sequence[str]) -> np.ndarray:
    """Finds the channels of a cleaned recording that have the amplitude of EEG; a warning names the other channels.

    The strength of a channel is computed from the upper quartile of its absolute values. So larger values, such as
    blinks and electrode pops, do not affect it.

    Args:
        data: Signal `(channels, times)` in microvolts, after cleaning.
        ch_names: Names of the channels.

    Returns:
        Whether each channel is usable, bool `(channels,)`.

    Raises:
        ValueError: The unit is wrong, or no channel is usable.
    """
    strength = np.array([np.quantile(np.abs(row), 0.75) / 1.1503 for row in data])  # equals the SD of normal noise
    highest = np.array([max(row.max(), -row.min()) for row in data])
    typical = float(np.median(strength))
    low, high = PLAUSIBLE_MICROVOLTS
    if not low <= typical <= high:
        raise ValueError(
            f"After cleaning, the channels' standard deviation is {typical:.3g} uV as declared, where EEG has {low:g} "
            f"to {high:g} uV: perhaps {_guess(typical)}; declare the unit= of array or file, or scale the MNE object "
            "to volts."
        )
    if not USUAL_MICROVOLTS[0] <= typical <= USUAL_MICROVOLTS[1]:
        warnings.warn(
            f"The channels' standard deviation is {typical:.3g} uV, and EEG mostly has {USUAL_MICROVOLTS[0]:g} to "
            f"{USUAL_MICROVOLTS[1]:g} uV: is the unit right?",
            stacklevel=2,
        )
    loud = (highest > HIGHEST_MICROVOLTS) | ((strength > LOUD * typical) & (highest > LOUD_MICROVOLTS))
    usable = ~loud & (strength >= QUIET * typical)
    strange = [
        f"{name} ({size:.3g} uV)"
        for name, size, fine in zip(ch_names, np.where(loud, highest, strength), usable, strict=True)
        if not fine
    ]
    some = ", ".join(strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
    if not usable.any():
        raise ValueError(
            f"After cleaning, no channel has the amplitude of EEG, which stays below {HIGHEST_MICROVOLTS:g} uV: "
            f"{some}; crop what is not EEG, or check the unit."
        )
    if strange:
        warnings.warn(
            f"Channels whose amplitude is not that of EEG are masked: {some}; the others have {typical:.3g} uV.",
            stacklevel=2,
        )
    return usable


def _guess(typical: float) -> str:
    """Returns a description of the probable error in the unit."""
    if typical > 1e6:
        return "microvolts were declared, or stored, as volts"
    if typical > PLAUSIBLE_MICROVOLTS[1]:
        return "it was declared, or stored, too large"
    if typical < 1e-3:
        return "volts were taken for microvolts"
    return "millivolts, or tenths of them, were taken for microvolts"
