# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from edf_files import cut_off, write_edf
from get_hf.training.corpora import get_corpus

LABELS = [
    *("EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal", "Resp oro-nasal", "EMG submental", "Temp rectal", "Event marker"),
]
STAGES = [(0.0, 30.0, "Sleep stage W"), (30.0, 30.0, "Sleep stage 2"), (60.0, 3000.0, "Sleep stage ?")]


@pytest.fixture
def corpus_dir(tmp_path):
    home, hospital = tmp_path / "sleep-edf/sleep-cassette", tmp_path / "sleep-edf/sleep-telemetry"
    for folder, name, scored in ((home, "SC4001E0", "SC4001EC"), (home, "SC4002E0", "SC4002EC")):
        write_psg(folder, name, scored)
    write_psg(hospital, "ST7011J0", "ST7011JP")
    return tmp_path


def write_psg(folder, name, scored):
    slow = {label: 1.0 for label in ("Resp oro-nasal", "EMG submental", "Temp rectal", "Event marker")}
    write_edf(folder / f"{name}-PSG.edf", LABELS, 90, 100.0, rates=slow)
    write_edf(folder / f"{scored}-Hypnogram.edf", ["unused"], 1, 1.0, annotations=STAGES)


def recordings(folder):
    return {f"{r.subject} {r.session}": r for r in get_corpus("sleep-edf").recordings(folder)}


def test_people_and_nights_come_from_the_names_of_both_studies(corpus_dir):
    assert list(recordings(corpus_dir)) == ["SC400 night1", "SC400 night2", "ST701 night1"]


def test_the_two_channels_of_eeg_keep_their_rate_and_the_stages_become_annotations(corpus_dir):
    found = recordings(corpus_dir)["SC400 night1"]
    raw = found.open()
    assert raw.ch_names == ["EEG Fpz-Cz", "EEG Pz-Oz"]
    assert raw.info["sfreq"] == 100.0
    assert raw.annotations.description.tolist() == [stage for *_, stage in STAGES]
    assert raw.annotations.onset.tolist() == [0.0, 30.0, 60.0]
    assert found.condition_spans(raw) == []  # no stage is a condition of GET's
    assert [file.name for file in found.files] == ["SC4001E0-PSG.edf", "SC4001EC-Hypnogram.edf"]


def test_without_its_stages_a_night_is_refused_and_the_others_are_not(corpus_dir):
    (corpus_dir / "sleep-edf/sleep-cassette/SC4001EC-Hypnogram.edf").unlink()
    found = recordings(corpus_dir)
    with pytest.raises(FileNotFoundError, match=r"SC4001E0-PSG.edf has no SC4001E\?-Hypnogram.edf") as error:
        found["SC400 night1"].open()
    assert "\n" not in str(error.value)
    assert found["SC400 night2"].open().n_times == 9000


@pytest.mark.parametrize("name", ["SC4001E0-PSG.edf", "SC4001EC-Hypnogram.edf"])
def test_a_night_that_was_cut_off_is_refused(corpus_dir, name):
    cut_off(corpus_dir / "sleep-edf/sleep-cassette" / name, 20)
    with pytest.raises(ValueError, match=f"{name} is cut off"):
        recordings(corpus_dir)["SC400 night1"].open()
