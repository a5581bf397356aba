# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""MI-OpenBCI: motor imagery of the right hand against rest, with a consumer amplifier (OpenBCI Cyton and Daisy).

Each person has five runs, `edf01/001/eeg.edf` to `edf01/005/eeg.edf` (the fifth run of edf05 is in the folder Test4).
The values are microvolts, but the headers name no unit. The events are those of the OpenViBE scenario. The experiment
uses its marker `OVTK_GDF_Tongue` for REST: nobody moved or imagined the tongue. A trial lasts from its marker to
`OVTK_GDF_End_Of_Trial`, four seconds. In the first run, the right hand was closed in reality. In the others, this was
imagined. GET has one condition for both.

Three properties of the recordings are corrected or known:

- The sign is inverted: blinks are negative at F3, F4, F7 and F8 in nearly all people. This amplifier inverts when
  electrodes are at its negative inputs and the reference at its positive one, as its makers advise (OpenBCI,
  Documentation, issue 187). The samples are multiplied by -1.
- Some recordings have a sine at exactly a quarter of the sampling rate, 31.25 Hz, of up to 80 microvolts. The test of
  impedances by this amplifier makes such a sine. It is filtered out of the recordings that have it.
- Mains hum of 50 Hz is strong, and stronger than the EEG in most people. It is above the band of the model.
"""

from functools import partial
from pathlib import Path

import mne
import numpy as np
import scipy

from .artefacts import mark_artefacts
from .corpus import Corpus, Recording
from .reading import local_files, open_recording

_FOLDERS = ("mi-openbci", "bci4als-online")
_PATTERN = "3.recordings/edf[0-9][0-9]/*/eeg.edf"
_OBTAIN = "clone https://github.com/tomerroditi/bci4als-online as a folder mi-openbci"
_CONDITIONS = {"OVTK_GDF_Right": "right_fist", "OVTK_GDF_Tongue": "rest"}
_END = "OVTK_GDF_End_Of_Trial"
#: Frequency of the amplifier's own sine and width of the notch in Hz; and by how many dB the sine stands out.
_SINE, _WIDTH, _STANDS_OUT = 31.25, 0.5, 10.0
_PEOPLE = tuple(f"edf{number:02d}" for number in range(1, 11))
_TEST, _VALIDATION = ("edf04", "edf10"), ("edf07",)


def _find(data_dir: Path | None) -> list[Recording]:
    _, files = local_files("mi-openbci", data_dir, _FOLDERS, _PATTERN, _OBTAIN)
    return [
        Recording(file.parts[-3], file.parent.name, partial(_open, file), None, _CONDITIONS, (file,)) for file in files
    ]


def _open(file: Path) -> mne.io.BaseRaw:
    raw = open_recording(file, unit="uV")
    signal = without_sine(-raw.get_data(), raw.info["sfreq"])
    corrected = mne.io.RawArray(signal, raw.info, raw.first_samp, verbose="ERROR").set_annotations(raw.annotations)
    corrected.info["line_freq"] = 50.0
    return mark_artefacts(_with_durations(corrected, file))


def without_sine(x: np.ndarray, rate: float) -> np.ndarray:
    """Filters the amplifier's own sine out of `x` `(channels, times)`, if any channel has it."""
    freqs, density = scipy.signal.welch(x, rate, nperseg=min(round(8 * rate), x.shape[-1]))
    distance = np.abs(freqs - _SINE)
    beside = np.median(density[:, (distance > 1.5) & (distance < 4.5)], axis=-1) + 1e-30
    peak = density[:, distance < _WIDTH].max(axis=-1)
    if (peak / beside).max() < 10 ** (_STANDS_OUT / 10):
        return x
    return scipy.signal.filtfilt(*scipy.signal.iirnotch(_SINE, _SINE / _WIDTH, rate), x, axis=-1)


def _with_durations(raw: mne.io.BaseRaw, file: Path) -> mne.io.BaseRaw:
    """Gives each trial its duration, which the file does not hold.

    Raises:
        ValueError: The file has no trial that ends.
    """
    notes = raw.annotations
    ends = np.sort(notes.onset[notes.description == _END])
    for index in np.flatnonzero(np.isin(notes.description, list(_CONDITIONS))):
        later = ends[ends > notes.onset[index]]
        if len(later):
            notes.duration[index] = later[0] - notes.onset[index]
    if not notes.duration.any():
        raise ValueError(f"{file} has no trial that ends with {_END}: fetch it again.")
    return raw


MI_OPENBCI = Corpus(
    name="mi-openbci",
    description="Imagined grasps of the right hand, and rest, with a low-cost amplifier.",
    licence="MIT",
    citation=(
        "Peterson et al. (2020), A feasibility study of a complete low-cost consumer-grade brain-computer interface "
        "system, Heliyon 6(3), e03425."
    ),
    homepage="https://github.com/vpeterson/MI-OpenBCI",
    may_redistribute=True,
    obtain=f"{_OBTAIN[0].upper()}{_OBTAIN[1:]}, and name the folder it lies in.",
    find=_find,
    conditions={"OVTK_GDF_Right": "right_fist", "OVTK_GDF_Tongue, which means rest here": "rest"},
    size="10 people, 50 recordings, 5.2 hours, 76 MB",
    n_chans=15,
    sampling_rate=125.0,
    reference="left ear lobe",
    splits={
        "train": tuple(person for person in _PEOPLE if person not in _TEST + _VALIDATION),
        "validation": _VALIDATION,
        "test": _TEST,
    },
)
