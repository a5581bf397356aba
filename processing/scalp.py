# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the EEG channels of a file, by type, unit, sampling rate and name."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .montage_get import find_electrodes
from .units_get import volts_per_unit

_TYPED = re.compile(r"EEG[\s:._-]", re.IGNORECASE)
_NOT_EEG = re.compile(
    r"((EEG|POL)[\s:._-]+)?(E[OCKM]G|[HVRL][\s._-]?E?OG|LOC|ROC|CHIN|VNS|GSR|EDA|ERG|RESP|ABDO|THOR|NASAL|(AIR)?FLOW"
    r"|CANN|PTAF|CPAP|SNORE|S[PA]O2|OSAT|(ET|TC)?P?CO2|PULSE|PLET|PPG|HR\b|TEMP|BODY|LIGHT|[LR][\s._-]?LEG|PHOTIC|TRIG"
    r"|STI|STATUS|EVENT|MARK(ER|\d)|MK\b|SYNC|DIGI|DC\d|EXG|AUX|ACC|GYRO?|MAG[XYZ]|QUAT|CQ_|COUNTER|TIME|BATT"
    r"|INTERPOLATED|RAW_|CMS|DRL|GND|LUE|X[123]\b|IBI|BURSTS|SUPPR|\$|(E|REF|PR|POS(ITION)?|BP\d?|BN\d)$)",
    re.IGNORECASE,
)
_DUMMY = re.compile(r"[-.\s]*")
_EARS = {"A1", "A2", "M1", "M2"}
#: MNE's types of channels that hold EEG.
_EEG_KINDS = ("eeg", "seeg", "ecog", "dbs")


@dataclass(frozen=True)
class Channel:
    """A file's description of one of its channels.

    Attributes:
        name: As it stands in the file.
        rate: Sampling rate in Hz.
        kind: MNE's type, or None where the format knows none.
        unit: As it stands in the file; None where the reader has converted the samples to volts.
        located: Whether the file gives its position on the head.
    """

    name: str
    rate: float
    kind: str | None = None
    unit: str | None = None
    located: bool = False

    @property
    def has_place(self) -> bool:
        """Whether its position is known."""
        return self.located or find_electrodes(self.name) is not None

    @property
    def is_in_other_unit(self) -> bool:
        """Whether the file names a unit that is no voltage, or that cannot be read."""
        return bool(self.unit) and volts_per_unit(self.unit) is None


def find_eeg(
    channels: Sequence[Channel], ignore: re.Pattern[str] | None = None, known: re.Pattern[str] | None = None
) -> list[int]:
    """Numbers of the EEG channels of one sampling rate, in their order.

    These channels are left out: channels of another type or unit; channels named after the heart, the eyes, muscles
    and other sensors; channels without a name (`-`, `.`); one ear against the other; in a file that names some
    channels `EEG`, channels with neither this word nor the name of an electrode; where most remaining channels have a
    place on the head, channels without one; and channels at another sampling rate than most.

    Args:
        channels: All channels of a file.
        ignore: Matches, from their beginning, names of a corpus for channels that are no EEG.
        known: Matches names of a corpus for EEG channels that give no position by themselves.
    """
    typed = any(_TYPED.match(channel.name) for channel in channels)
    in_volts = any(volts_per_unit(channel.unit or "") for channel in channels)
    picks = [
        number
        for number, channel in enumerate(channels)
        if _may_be_eeg(channel, typed, in_volts) and not (ignore and ignore.match(channel.name))
    ]
    placed = [n for n in picks if channels[n].has_place or (known and known.fullmatch(channels[n].name))]
    if 2 * len(placed) > len(picks):
        picks = placed
    rates = Counter(channels[number].rate for number in picks)
    usual = max(rates, key=lambda rate: (rates[rate], rate), default=0.0)
    return [number for number in picks if channels[number].rate == usual]


def _may_be_eeg(channel: Channel, typed: bool, in_volts: bool) -> bool:
    """Whether it may be EEG, in a file that names EEG channels `EEG` (`typed`), or the unit of some (`in_volts`)."""
    if channel.kind is not None and channel.kind not in _EEG_KINDS:
        return False
    if channel.is_in_other_unit:
        return False
    electrodes = find_electrodes(channel.name)
    if electrodes is not None:
        return not _EARS.issuperset(electrodes)
    if _DUMMY.fullmatch(channel.name) or _NOT_EEG.match(channel.name.strip()):
        return False
    if channel.located:
        return True
    if channel.unit == "" and in_volts:
        return False
    return not typed or bool(_TYPED.match(channel.name))


def choose(channels: Sequence[Channel], wanted: Sequence[str]) -> list[int]:
    """Numbers of the channels that a user names, in the file's order.

    Args:
        channels: All channels of a file.
        wanted: Names as they stand in the file, or other spellings of the same electrodes.

    Raises:
        ValueError: A channel is missing, or channels have different sampling rates.
    """
    found: list[int] = []
    for name in wanted:
        same = [n for n, each in enumerate(channels) if each.name.strip().lower() == name.strip().lower()]
        place = find_electrodes(name)
        same = same or [n for n, each in enumerate(channels) if place and find_electrodes(each.name) == place]
        if not same:
            there = ", ".join(each.name for each in channels[:40]) + (" ..." if len(channels) > 40 else "")
            raise ValueError(f"there is no channel {name}, only {there}: name some of these")
        found += same
    picks = sorted(set(found))
    if len({channels[number].rate for number in picks}) > 1:
        rates = ", ".join(f"{channels[number].name} {channels[number].rate:g} Hz" for number in picks)
        raise ValueError(f"the channels chosen have different rates ({rates}): choose some of one rate")
    return picks
