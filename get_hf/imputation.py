# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws missing or bad channels of a recording given the others; `get_hf.field` describes the method."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from get_hf.field import Field
from get_hf.outputs import IMPUTED
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import find_electrodes, locate_channels
from get_hf.processing.plausibility_get import usable_channels
from get_hf.processing.reading_get import annotated_spans, check_ch_names, read_recordings
from get_hf.processing.stretches_get import good_stretches

#: Least number of good channels, and most draws of one call.
LEAST_KNOWN, MOST_DRAWS = 4, 1000
#: Least seconds without an interruption, in which spectra can be estimated.
LEAST_SECONDS = 0.5


@dataclass
class _Source:
    """EEG channels in the form that imputation uses.

    Attributes:
        data: `(items, channels, times)` in `unit`.
        sampling_rate: Hz, as given.
        ch_names: Names of the EEG channels, as given.
        unit: Unit of the data, as given.
        bad: Names that are marked as bad.
        digitised: Electrode positions by name, in metres in MNE's head frame.
        stretches: First and last sample (exclusive) of the parts of an item that are not annotated bad. None: all.
    """

    data: np.ndarray
    sampling_rate: Any
    ch_names: Any
    unit: Any
    bad: Sequence[str] = ()
    digitised: Any = None
    stretches: list[tuple[int, int]] | None = None


def impute(
    recording: Any,
    channels: Sequence[str] | None = None,
    extractor: GETFeatureExtractor | None = None,
    draws: int = 1,
    seed: int = 0,
    sampling_rate: float | None = None,
    ch_names: Sequence[str] | None = None,
    unit: str | None = None,
) -> list[Any]:
    """Draws missing or bad channels given the others.

    At each frequency, the channels are a Gaussian field, whose covariance is the population's as a function of
    electrode positions; each channel adds a noise of its own, whose strength is estimated from the recording. A draw
    is the conditional mean plus noise with the conditional covariance. So it has the power of EEG. The mean alone is
    nearer to the true signal, but too weak, like what spherical splines give. All other channels stay as they are.

    Args:
        recording: `mne.io.Raw`, `mne.Epochs`, or an array `(channels, times)` or `(batch, channels, times)`. Its
            epochs, or its rows, share one estimate. Parts annotated `BAD_` do not count for it.
        channels: Names of the channels to replace. A name that the recording does not have becomes a new last channel
            at the electrode of that name. None: the channels that are marked as bad (`info["bads"]`), flat, or far
            too loud or quiet.
        extractor: Feature extractor of the checkpoint that knows the population. None: of the shipped checkpoint.
        draws: Number of draws. 0: the conditional mean alone.
        seed: Seed of the draws, a whole number from 0 up.
        sampling_rate: For arrays: sampling rate in Hz.
        ch_names: For arrays: names of the channels.
        unit: For arrays: "V", "mV", "uV" or "nV".

    Returns:
        A list of copies of the recording, one for each draw (one for the mean), with the same type and unit. In MNE
        objects, imputed channels are no longer in `info["bads"]`. The annotation "GET imputed" of a `Raw`, and the
        `description` in the info of epochs, name them.

    Raises:
        UnknownChannelError: A channel has no known position.
        ValueError: No channel is bad, too few others are good, or the input cannot be read as EEG.
    """
    check_ch_names(channels)
    for name, value, most in (("draws", draws, MOST_DRAWS), ("seed", seed, 2**63 - 1)):
        is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not is_whole or not 0 <= value <= most:
            raise ValueError(f"{name} must be a whole number from 0 to {most}, not {value!r}.")
    if extractor is None:
        extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    source = _opened(recording, sampling_rate, ch_names, unit)
    wanted = None if channels is None else _spelt_as_there([str(name) for name in channels], source.ch_names)
    names, known, missing, items = _known_and_missing(source, wanted, extractor)
    rate = items[0].sampling_rate
    positions = locate_channels([*known, *missing], source.digitised or {})
    rows = [names.index(name) for name in known]
    signals = [item.data[rows] for item in items]
    stretches = [x[:, begin:end] for x in signals for begin, end in _stretches(x, rate, source)]
    offset = np.concatenate(stretches, axis=-1).mean(axis=-1, keepdims=True)
    signals = [x - offset for x in signals]
    field = Field.estimate(
        stretches, rate, positions[: len(known)], positions[len(known) :], extractor.transform, extractor.sampling_rate
    )
    means = np.stack([field.mean(x, rate) for x in signals])
    if not draws:
        return [_with(recording, source, missing, means)]
    made = []
    for rng in np.random.default_rng(int(seed)).spawn(int(draws)):
        noise = np.stack([field.residual(x.shape[-1], rate, rng) for x in signals])
        made.append(_with(recording, source, missing, means + noise))
    return made


def _opened(recording: Any, sampling_rate: Any, ch_names: Any, unit: Any) -> _Source:
    """Takes an MNE object or an array apart; what is wrong with its samples is found later."""
    mne = sys.modules.get("mne")  # unless MNE was imported, nothing can be an object of it
    if mne is None or not isinstance(recording, (mne.io.BaseRaw, mne.BaseEpochs)):
        check_ch_names(ch_names)
        shape: tuple[int, ...] = np.shape(recording) if not isinstance(recording, (str, bytes)) else ()
        if sampling_rate is None or unit is None or ch_names is None or len(shape) not in (2, 3):
            read_recordings(recording, sampling_rate, ch_names, unit)  # says what is missing
        data: Any = np.asarray(recording)
        if len(ch_names) != shape[-2]:
            raise ValueError(f"ch_names has {len(ch_names)} names, the array {shape[-2]} channels: name each.")
        return _Source(data if data.ndim == 3 else data[None], sampling_rate, [str(name) for name in ch_names], unit)
    declared = {"sampling_rate": sampling_rate, "ch_names": ch_names, "unit": unit}
    if given := [name for name, value in declared.items() if value is not None]:
        raise ValueError(f"{given[0]}= is for arrays, and an MNE object has its own: leave it out.")
    is_raw = isinstance(recording, mne.io.BaseRaw)
    if not is_raw:
        recording.load_data()
    picks = _picks(recording)
    data = recording.get_data(picks=picks)
    stretches = None
    if is_raw:
        spans = annotated_spans(recording)
        stretches = good_stretches(spans, recording.n_times, recording.info["sfreq"])[0]
    chosen = [recording.info["chs"][index] for index in picks]
    places = {each["ch_name"]: each["loc"][:3] for each in chosen}
    return _Source(
        data[None] if is_raw else data,
        float(recording.info["sfreq"]),
        list(places),
        "V",
        [name for name in recording.info["bads"] if name in places],
        {name: xyz for name, xyz in places.items() if np.isfinite(xyz).all() and np.any(xyz)},
        stretches,
    )


def _picks(recording: Any) -> np.ndarray:
    mne = sys.modules["mne"]
    picks = mne.pick_types(recording.info, meg=False, eeg=True, exclude=[])
    if not len(picks):
        raise ValueError("The recording has no EEG channel: set the types with set_channel_types.")
    return picks


def _spelt_as_there(channels: list[str], ch_names: Sequence[str]) -> list[str]:
    """The channels as the recording spells them: "FC5" finds "Fc5."."""
    electrodes = [find_electrodes(name) for name in ch_names]
    found = []
    for name in channels:
        wanted = find_electrodes(name)
        same = [own for own, place in zip(ch_names, electrodes, strict=True) if wanted and place == wanted]
        found.append(name if name in ch_names or len(same) != 1 else same[0])
    if not found:
        raise ValueError("channels names no channel: name some, or leave it out for those that are marked as bad.")
    if twice := [name for number, name in enumerate(found) if name in found[:number]]:
        raise ValueError(f"channels names {twice[0]} twice: name each channel once.")
    return found


def _known_and_missing(
    source: _Source, wanted: list[str] | None, extractor: GETFeatureExtractor
) -> tuple[list[str], list[str], list[str], list]:
    """Names of the channels that were read, those that are good, those to impute; and what was read, in microvolts."""
    left_out = {*source.bad, *(wanted or ())}
    read = [index for index, name in enumerate(source.ch_names) if name not in left_out]
    names = [source.ch_names[index] for index in read]
    _check_enough(names, left_out)
    items = read_recordings(source.data[:, read], source.sampling_rate, names, source.unit)
    good = ~np.any([item.bad for item in items], axis=0)
    rate = items[0].sampling_rate
    stretches = [item.data[good, begin:end] for item in items for begin, end in _stretches(item.data, rate, source)]
    cleaned = [extractor.clean(x - x.mean(axis=-1, keepdims=True), rate) for x in stretches]
    known = [name for name, fine in zip(names, good, strict=True) if fine]
    usable = usable_channels(np.concatenate(cleaned, axis=-1), known)
    known = [name for name, fine in zip(known, usable, strict=True) if fine]
    unusable = [name for name in names if name not in known]
    _check_enough(known, {*left_out, *unusable})
    if wanted is None:
        wanted = [name for name in source.ch_names if name in {*source.bad, *unusable}]
        if not wanted:
            raise ValueError(
                f"None of the {len(names)} channels is marked as bad, flat or far too loud: name those to impute."
            )
    return names, known, wanted, items


def _stretches(x: np.ndarray, rate: float, source: _Source) -> list[tuple[int, int]]:
    """Begins and ends of the parts of `(channels, times)` that the estimate uses."""
    spans = [(0, x.shape[-1])] if source.stretches is None else source.stretches
    if long := [(begin, end) for begin, end in spans if end - begin >= LEAST_SECONDS * rate]:
        return long
    raise ValueError(f"No good stretch is {LEAST_SECONDS:g} s long, which a spectrum needs: give a longer recording.")


def _check_enough(known: Sequence[str], others: set[str]) -> None:
    if len(known) < LEAST_KNOWN:
        raise ValueError(
            f"Imputation needs at least {LEAST_KNOWN} good channels beside those to impute, and there are "
            f"{len(known)} beside {', '.join(sorted(others)[:5]) or 'none'}: impute fewer."
        )


def _with(recording: Any, source: _Source, missing: list[str], values: np.ndarray) -> Any:
    """A copy of the recording with values `(items, missing channels, times)` in microvolts in the missing channels."""
    if not hasattr(recording, "info"):
        from get_hf.processing.units_get import volts_per_unit

        new = [name for name in missing if name not in source.ch_names]
        data = np.array(source.data, dtype=np.result_type(source.data, np.float32))
        data = np.pad(data, ((0, 0), (0, len(new)), (0, 0)))
        names = [*source.ch_names, *new]
        data[:, [names.index(name) for name in missing]] = values * (1e-6 / volts_per_unit(source.unit))  # type: ignore[operator]
        return data if np.ndim(recording) == 3 else data[0]
    mne = sys.modules["mne"]
    made = recording.copy().load_data()
    for name in missing:
        if name not in source.ch_names:
            like = made.copy().pick([source.ch_names[0]]).rename_channels({source.ch_names[0]: name})
            like.info["chs"][0]["loc"][:] = np.nan
            made.add_channels([like], force_update_info=True)
    made.info["bads"] = [name for name in made.info["bads"] if name not in missing]
    if isinstance(made, mne.io.BaseRaw):
        made[missing] = 1e-6 * values[0]
        duration = made.n_times / made.info["sfreq"]
        made.annotations.append(made.first_time, duration, IMPUTED, ch_names=[tuple(missing)])
    else:
        made.get_data(copy=False)[:, [made.ch_names.index(name) for name in missing]] = 1e-6 * values
        said = made.info["description"]
        made.info["description"] = f"{said + '; ' if said else ''}{IMPUTED}: {', '.join(missing)}"
    return made
