# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the EEG channels of a file from the type, unit, sampling rate and name of each channel."""

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
#: MNE's types of channels that contain EEG.
_EEG_KINDS = ("eeg", "seeg", "ecog", "dbs")


@dataclass(frozen=True)
class Channel:
    """The description of a channel in a file.

    Attributes:
        name: Name as written in the file.
        rate: Sampling rate in Hz.
        kind: MNE's type of the channel. None if the file format has no types.
        unit: Unit as written in the file. None if the reader has converted the samples to volts.
        located: Whether the file contains the channel's position on the head.
    """

    name: str
    rate: float
    kind: str | None = None
    unit: str | None = None
    located: bool = False

    @property
    def has_place(self) -> bool:
        """Whether the channel's position is known, from the file or from its name."""
        return self.located or find_electrodes(self.name) is not None

    @property
    def is_in_other_unit(self) -> bool:
        """Whether the channel has a unit that is not a voltage, or that cannot be read."""
        return bool(self.unit) and volts_per_unit(self.unit) is None


def find_eeg(
    channels: Sequence[Channel], ignore: re.Pattern[str] | None = None, known: re.Pattern[str] | None = None
) -> list[int]:
    """Returns the indices of the EEG channels of one sampling rate, in the order of the file.

    These channels are left out: channels of another type or unit; channels with a name for the heart, the eyes,
    muscles or other sensors; channels without a name (`-`, `.`); channels between the two ears; channels with neither
    the word `EEG` nor an electrode in their name, if other names of the file contain this word; channels without a
    known position on the head, if most remaining channels have one; and channels whose sampling rate differs from the
    rate of most channels.

    Args:
        channels: All channels of a file.
        ignore: Regular expression for names of channels that are not EEG in a corpus. It has to match at the beginning
            of a name.
        known: Regular expression for names of EEG channels in a corpus from which no position can be found. It has to
            match the whole name.
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
    """Whether a channel may be EEG, according to its type, unit and name.

    `typed` is whether the names of EEG channels in the file contain the word `EEG`. `in_volts` is whether some
    channels of the file have a voltage as their unit.
    """
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
    """Returns the indices of the channels that a user requests, in the order of the file.

    Args:
        channels: All channels of a file.
        wanted: Names as written in the file, or other spellings of the same electrodes.

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
