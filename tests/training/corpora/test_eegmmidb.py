# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf import save_recording
from get_hf.processing.montage_get import ELECTRODES
from get_hf.training.corpora import get_corpus

RATE, SECONDS = 160.0, 20.0
NAMES = [name for name in ELECTRODES if not name.endswith("h")][:64]


def waves(times: np.ndarray) -> np.ndarray:
    """What all electrodes pick up alike, in volts: 9, 20 and 41 Hz."""
    return 2e-5 * sum(np.sin(2 * np.pi * frequency * times + frequency) for frequency in (9.0, 20.0, 41.0))


def written(folder, n_chans: int, slots: np.ndarray | None = None) -> mne.io.BaseRaw:
    """A run, as the corpus opens it, in which channel i of n was sampled in slot i of an interval, or in another."""
    late = (np.arange(n_chans) if slots is None else slots)[:, None] / n_chans
    data = waves((np.arange(RATE * SECONDS) + late) / RATE)
    raw = mne.io.RawArray(data, mne.create_info(NAMES[:n_chans], RATE, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations([2.0, 7.0], [4.0, 4.0], ["T1", "T2"]))
    path = folder / "eegmmidb/S001/S001R04.edf"
    path.parent.mkdir(parents=True)
    save_recording(raw, path)
    (recording,) = get_corpus("eegmmidb").recordings(folder)
    return recording.open()


@pytest.mark.parametrize("slots", [np.arange(64), np.r_[:60, 8:12]])
def test_all_channels_are_of_the_same_moments(tmp_path, slots):
    raw = written(tmp_path, 64, slots)
    inner = slice(round(RATE), -round(RATE))  # the ends of a recording are mirrored, which a sine does not do
    expected = waves(np.arange(RATE * SECONDS) / RATE)
    assert np.abs(raw.get_data() - expected)[:, inner].max() < 2e-7
    assert raw.annotations.description.tolist() == ["T1", "T2"]
    assert raw.annotations.onset == pytest.approx([2.0, 7.0])


def test_a_file_that_is_not_of_the_64_channels_is_left_as_it_is(tmp_path):
    raw = written(tmp_path, 8)
    late = np.arange(8)[:, None] / 8
    expected = waves((np.arange(RATE * SECONDS) + late) / RATE)
    assert np.abs(raw.get_data() - expected).max() < 1e-7


def test_the_last_channels_of_real_recordings_have_no_phase_either(real_data):
    """Oz beside POz, in a person whose last four channels were sampled early, and in one whose were not."""
    recordings = list(get_corpus("eegmmidb").recordings(real_data))
    for subject in ("S003", "S004"):
        recording = next((r for r in recordings if (r.subject, r.session) == (subject, "R01")), None)
        if recording is None:
            pytest.skip(f"no R01 of {subject}")
        spectra = np.fft.rfft((recording.open().get_data(stop=9600) * 1e6).reshape(64, 60, 160), axis=-1)[:, :, 20:46]
        cross = (spectra[57].conj() * spectra[61]).sum(axis=0)  # POz and Oz
        delay = np.average(np.angle(cross) / (2 * np.pi * np.arange(20, 46)), weights=np.abs(cross))
        assert delay == pytest.approx(0.0, abs=1e-3), subject


def test_real_recordings_have_no_phase_between_their_channels(real_data):
    recording = next(r for r in get_corpus("eegmmidb").recordings(real_data) if r.session == "R01")
    data = recording.open().get_data(stop=9600)
    spectra = np.fft.rfft((data * 1e6).reshape(64, 60, 160) * np.hanning(160), axis=-1)[:, :, 20:46]
    first, last = spectra[14], spectra[54]  # CP5 and P8, at the same height of the head, 40 channels apart
    cross = (first.conj() * last).mean(axis=0)
    coherent = np.abs(cross) ** 2 / (np.abs(first) ** 2).mean(0) / (np.abs(last) ** 2).mean(0)
    delays = np.angle(cross) / (2 * np.pi * np.arange(20, 46))
    assert np.average(delays, weights=coherent) == pytest.approx(0.0, abs=1.2e-3)  # 3.9 ms with the skew
