# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EEGMMIDB: the EEG Motor Movement/Imagery Database of PhysioNet."""

from functools import partial
from pathlib import Path

import mne
import numpy as np

from .corpus import Corpus, CorpusUnavailableError, Recording
from .reading import open_recording

_SUBJECTS = tuple(f"S{number:03d}" for number in range(1, 110))
_RUNS = tuple(range(1, 15))
_N_CHANS = 64
#: Indices of O1, Oz, O2 and Iz, the last channels of the file. In some people the converter read them this number of
#: time slots earlier.
_LAST, _SLOTS_EARLIER = slice(60, 64), 52
#: Indices of their neighbours PO7 to PO8, and the frequency band of the comparison in Hz.
_NEIGHBOURS, _COMPARED = slice(55, 60), (15.0, 45.0)
_ODD = ("S088", "S092", "S100")  # recorded at 128 Hz with other trial lengths
_ONE_FIST = {"T0": "rest", "T1": "left_fist", "T2": "right_fist"}
_BOTH = {"T0": "rest", "T1": "both_fists", "T2": "feet"}


def _range(first: int, last: int) -> tuple[str, ...]:
    return tuple(s for s in _SUBJECTS[first - 1 : last] if s not in _ODD)


def _find(data_dir: Path | None) -> list[Recording]:
    if data_dir is None:
        return [_recording(subject, run, None) for subject, run in _fetch()]
    places = [data_dir, data_dir / "eegmmidb", data_dir / "MNE-eegbci-data/files/eegmmidb/1.0.0"]
    for folder in places:
        files = sorted(folder.glob("S[0-9][0-9][0-9]/S[0-9][0-9][0-9]R[0-9][0-9].edf"))
        if files:
            return [_recording(file.parent.name, int(file.stem[-2:]), file) for file in files]
    raise CorpusUnavailableError(
        f"eegmmidb is not in {data_dir}: put the folders S001 to S109 of "
        f"https://physionet.org/content/eegmmidb/1.0.0/ in {data_dir / 'eegmmidb'} (as S001/S001R01.edf)."
    )


def _recording(subject: str, run: int, file: Path | None) -> Recording:
    opener = partial(_open, file) if file else partial(_open_fetched, subject, run)
    whole = {1: "eyes_open", 2: "eyes_closed"}.get(run)
    codes = {} if whole else _ONE_FIST if run in (3, 4, 7, 8, 11, 12) else _BOTH
    return Recording(subject, f"R{run:02d}", opener, whole, codes, (file,) if file else ())


def _open(file: Path) -> mne.io.BaseRaw:
    """Opens a run and corrects it so that all channels have the same sampling times."""
    raw = open_recording(file)
    return _without_skew(raw) if len(raw.ch_names) == _N_CHANS else raw


def _without_skew(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Delays each channel by the time by which it was sampled late.

    One converter read the 64 channels one after the other within each sampling interval. So in every recording, there
    is a delay of 98 us from each channel to the next in the file. The resulting phase difference grows with frequency;
    between the first and the last channel it is a quarter of a cycle at 40 Hz. In one of seven people (S001, S003,
    S022 ..), the converter read the last four channels in slots 8 to 11 of the 64 slots. This causes a delay of 5 ms
    between these four channels and their neighbours. Each recording is tested for this order.
    """
    raw.load_data(verbose="ERROR")
    margin = min(raw.n_times - 1, round(raw.info["sfreq"]))  # of mirrored signal at each end, as the FFT is cyclic
    padded = np.pad(raw.get_data(), ((0, 0), (margin, margin)), mode="reflect")
    freqs, spectra = np.fft.rfftfreq(padded.shape[-1]), np.fft.rfft(padded)
    in_order = np.arange(_N_CHANS)
    last_earlier = in_order - _SLOTS_EARLIER * (in_order >= _LAST.start)
    turned = (spectra * np.exp(-2j * np.pi * freqs * slots[:, None] / _N_CHANS) for slots in (in_order, last_earlier))
    likelier = max(turned, key=lambda each: _agreement(each, freqs * raw.info["sfreq"]))
    inner = np.fft.irfft(likelier, padded.shape[-1])[:, margin : margin + raw.n_times]
    return mne.io.RawArray(inner, raw.info, raw.first_samp, verbose="ERROR").set_annotations(raw.annotations)


def _agreement(spectra: np.ndarray, freqs: np.ndarray) -> float:
    """Computes the mean correlation at zero delay between the last channels and their neighbours."""
    band = spectra[:, (freqs >= _COMPARED[0]) & (freqs <= _COMPARED[1])]
    band = band / (np.linalg.norm(band, axis=-1, keepdims=True) + 1e-30)
    return float((band[_LAST] @ band[_NEIGHBOURS].conj().T).real.mean())


def _open_fetched(subject: str, run: int) -> mne.io.BaseRaw:
    return _open(Path(_load(subject, run)))


def _fetch() -> list[tuple[str, int]]:
    """Returns all runs of all subjects that are in a split; downloads the first run, so that errors occur early."""
    _load(_SUBJECTS[0], 1)
    subjects = [subject for subject in _SUBJECTS if subject not in _ODD]
    return [(subject, run) for subject in subjects for run in _RUNS]


def _load(subject: str, run: int) -> str:
    try:
        return mne.datasets.eegbci.load_data(int(subject[1:]), run, update_path=False, verbose="ERROR")[0]
    except (OSError, ValueError, RuntimeError) as error:  # requests' and pooch's errors are among these
        raise CorpusUnavailableError(
            f"eegmmidb could not be downloaded ({type(error).__name__}): fetch the folders S001 to S109 of "
            "https://physionet.org/content/eegmmidb/1.0.0/ elsewhere, put them in a folder named eegmmidb, "
            "and pass the folder it lies in as data_dir."
        ) from error


EEGMMIDB = Corpus(
    name="eegmmidb",
    description="Motor execution and imagery of fists and feet, and rest with eyes open and closed.",
    licence="ODC-By 1.0",
    citation=(
        "Schalk et al. (2004), BCI2000: a general-purpose brain-computer interface system, IEEE "
        "Transactions on Biomedical Engineering 51(6); Goldberger et al. (2000), PhysioBank, "
        "PhysioToolkit, and PhysioNet, Circulation 101(23)."
    ),
    homepage="https://physionet.org/content/eegmmidb/1.0.0/",
    may_redistribute=True,
    obtain=(
        "MNE downloads it run by run, or put the folders S001 to S109 of the homepage in a folder eegmmidb and name "
        "the folder it lies in."
    ),
    find=_find,
    conditions={
        "run 1": "eyes_open",
        "run 2": "eyes_closed",
        "T0": "rest",
        "T1 in runs 3, 4, 7, 8, 11, 12": "left_fist",
        "T2 in runs 3, 4, 7, 8, 11, 12": "right_fist",
        "T1 in runs 5, 6, 9, 10, 13, 14": "both_fists",
        "T2 in runs 5, 6, 9, 10, 13, 14": "feet",
    },
    size="109 people, 1,526 recordings, 48 hours, 3.4 GB",
    n_chans=_N_CHANS,
    sampling_rate=160.0,
    reference="earlobes",
    splits={
        "train": _range(1, 79),
        "validation": _range(80, 89),
        "test": _range(90, 109),
    },
)
