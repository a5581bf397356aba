# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import scipy
from edfio import read_edf

from edf_files import cut_off, write_edf
from get_hf.training.corpora import CorpusUnavailableError, get_corpus
from get_hf.training.corpora.mi_openbci import without_sine

LABELS = ["Pz", "Cz", "T6", "T4", "F8", "P4", "C4", "F4", "Fz", "T5", "T3", "F7", "P3", "C3", "F3"]
TRIALS = [
    *((1.0, 0, "OVTK_StimulationId_BaselineStart"), (5.0, 0, "OVTK_GDF_Start_Of_Trial"), (8.0, 0, "OVTK_GDF_Right")),
    *((12.0, 0, "OVTK_GDF_End_Of_Trial"), (16.0, 0, "OVTK_GDF_Start_Of_Trial"), (19.0, 0, "OVTK_GDF_Tongue")),
    *((23.0, 0, "OVTK_GDF_Feedback_Continuous"), (23.0, 0, "OVTK_GDF_End_Of_Trial"), (27.0, 0, "OVTK_GDF_Tongue")),
]


def write(folder, name="edf07/002", annotations=TRIALS):
    """Writes a run in the corpus's format: numbers without a unit, markers without a duration."""
    path = folder / "3.recordings" / name / "eeg.edf"
    return write_edf(path, LABELS, 30, 125.0, annotations=annotations, units="")


@pytest.mark.parametrize("layout", [".", "mi-openbci", "bci4als-online"])
def test_runs_are_found_in_a_clone_and_beside_other_corpora(tmp_path, layout):
    for name in ("edf01/001", "edf05/Test4", "edf07/002", "edf10/005"):
        write(tmp_path / layout, name)
    corpus = get_corpus("mi-openbci")
    found = [(r.subject, r.session, corpus.split_of(r.subject)) for r in corpus.recordings(tmp_path)]
    assert found == [
        *(("edf01", "001", "train"), ("edf05", "Test4", "train"), ("edf07", "002", "validation")),
        ("edf10", "005", "test"),
    ]


def test_numbers_without_a_unit_are_microvolts(tmp_path):
    write(tmp_path)
    (found,) = get_corpus("mi-openbci").recordings(tmp_path)
    raw = found.open()
    assert raw.ch_names == LABELS
    assert raw.info["sfreq"] == 125.0
    assert raw.info["line_freq"] == 50.0
    assert 10 < np.median(1e6 * raw.get_data().std(axis=-1)) < 40  # as the synthetic EEG


def test_the_sign_of_the_amplifier_is_turned_around(tmp_path):
    path = write(tmp_path)
    (found,) = get_corpus("mi-openbci").recordings(tmp_path)
    stored = np.stack([signal.data for signal in read_edf(path).signals])
    np.testing.assert_allclose(1e6 * found.open().get_data(), -stored, atol=1e-6)


def test_the_sine_of_the_amplifier_is_filtered_out_and_all_else_stays():
    rng = np.random.default_rng(0)
    eeg = 1e-5 * rng.standard_normal((3, 125 * 60))
    sine = 4e-5 * np.sin(2 * np.pi * 31.25 * np.arange(125 * 60) / 125)
    assert without_sine(eeg, 125.0) is eeg  # without a sine, there is no hole in the spectrum
    out = without_sine(eeg + np.array([[0], [1], [1]]) * sine, 125.0)
    freqs, before = scipy.signal.welch(eeg, 125.0, nperseg=1000)
    after = scipy.signal.welch(out, 125.0, nperseg=1000)[1]
    far = np.abs(freqs - 31.25) > 1.5
    np.testing.assert_allclose(after[:, far], before[:, far], rtol=0.1)
    assert (after[:, ~far].max(axis=-1) < 2 * before.max(axis=-1)).all()


def test_the_tongue_means_rest_and_a_trial_lasts_until_it_ends(tmp_path):
    write(tmp_path)
    (found,) = get_corpus("mi-openbci").recordings(tmp_path)
    spans = found.condition_spans(found.open())
    assert spans == [(8.0, 12.0, "right_fist"), (19.0, 23.0, "rest"), (27.0, 27.0, "rest")]  # the last never ends


def test_a_run_without_trials_is_refused(tmp_path):
    write(tmp_path, annotations=[(8.0, 0, "OVTK_GDF_Right")])
    (found,) = get_corpus("mi-openbci").recordings(tmp_path)
    with pytest.raises(ValueError, match=r"eeg\.edf has no trial that ends with OVTK_GDF_End_Of_Trial"):
        found.open()


def test_a_run_that_was_cut_off_is_refused(tmp_path):
    cut_off(write(tmp_path))
    (found,) = get_corpus("mi-openbci").recordings(tmp_path)
    with pytest.raises(ValueError, match="cut off"):
        found.open()


@pytest.mark.parametrize("given", [True, False])
def test_without_the_corpus_one_sentence_says_what_to_fetch(tmp_path, given):
    with pytest.raises(CorpusUnavailableError, match=r"clone https://github.com/.* as a folder mi-openbci") as error:
        list(get_corpus("mi-openbci").recordings(tmp_path if given else None))
    assert "\n" not in str(error.value)


def test_the_real_runs_are_all_there(real_data):
    if not (real_data / "mi-openbci").is_dir():
        pytest.skip(f"no mi-openbci at {real_data}")
    corpus = get_corpus("mi-openbci")
    counts = {split: len(list(corpus.recordings(real_data, split))) for split in ("train", "validation", "test")}
    assert counts == {"train": 35, "validation": 5, "test": 10}
    found = next(corpus.recordings(real_data, "validation"))
    raw = found.open()
    spans = found.condition_spans(raw)
    assert {name for *_, name in spans} == {"right_fist", "rest"}
    np.testing.assert_allclose([end - begin for begin, end, _ in spans[:-1]], 4.0, atol=0.1)  # it ends in the last
    spectrum = raw.compute_psd(fmin=1, fmax=60, verbose="ERROR")
    power, freqs = spectrum.get_data().mean(axis=0), spectrum.freqs
    assert 49 < freqs[freqs > 20][power[freqs > 20].argmax()] < 51
