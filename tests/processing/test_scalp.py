# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import re

import pytest

from get_hf.processing.scalp import Channel, choose, find_eeg


def channels(names, rate=256.0, unit="uV", **kwargs) -> list[Channel]:
    return [Channel(name, rate, unit=unit, **kwargs) for name in names]


def kept(found: list[Channel], **kwargs) -> list[str]:
    return [found[number].name for number in find_eeg(found, **kwargs)]


def test_other_sensors_are_left_out():
    eeg = ["Fp1", "FP1-F7", "T8-P8"]
    other = ["ECG", "EKG1-CHIN", "LOC-ROC", "VNS", "-", ".", "A2-A1", "SpO2", "EXG1", "GSR2", "Erg1", "Resp", "Plet"]
    other += ["Temp", "Status", "CQ_F7", "COUNTER", "TIME_STAMP_s", "BATTERY", "MarkerType", "ACC_X", "Flow", "X1"]
    assert kept(channels([*eeg, *other])) == eeg


def test_in_a_sleep_recording_the_other_sensors_may_be_most():
    eeg = ["C3-M2", "C4-M1"]
    other = ["L-EOG", "R EOG", "E", "POL E", "Ref", "BP1", "EtCO2", "PR", "OSAT", "Light", "Pos", "Position", "LLEG"]
    other += ["R-Leg", "Airflow", "Cannula", "PTAF", "CPAP", "Mark1", "Sync", "POL $A1", "POL DC09", "Digi", "POL BN1"]
    assert kept(channels([*eeg, *other])) == eeg


def test_in_a_file_with_channel_types_only_eeg_channels_are_eeg():
    labels = ["EEG Fp1", "EEG SP1", "Cz", "1", "HR", "MK", "EEG EKG1-REF"]
    assert kept(channels(labels)) == ["EEG Fp1", "Cz"]


def test_where_most_have_no_place_all_are_kept():
    names = [f"E{number}" for number in range(1, 9)]
    assert kept(channels([*names, "Cz"])) == [*names, "Cz"]


def test_a_place_that_was_measured_is_one():
    assert kept([*channels(["E1", "E2", "E3"], located=True), *channels(["foo"])]) == ["E1", "E2", "E3"]


def test_another_unit_is_no_eeg():
    found = [
        *channels(["Fp1", "C3"]),
        *channels(["O1"], unit="degC"),
        *channels(["Cz"], unit=""),
        *channels(["E"], unit=""),
    ]
    assert kept(found) == ["Fp1", "C3", "Cz"]


def test_types_count():
    found = [Channel("Fp1", 256.0, "eog"), Channel("C3", 256.0, "eeg"), Channel("C4", 256.0, "misc")]
    assert kept(found) == ["C3"]


def test_channels_of_another_rate_are_left_out():
    assert kept([*channels(["C3", "C4"]), *channels(["O1"], rate=512.0)]) == ["C3", "C4"]


def test_a_corpus_may_know_more():
    assert kept(channels(["Fp1", "C3", "Pz"]), ignore=re.compile("P")) == ["Fp1", "C3"]


def test_a_corpus_may_know_more_of_its_eeg():
    found = channels(["F7-CS2", "C3", "01", "foo", "Cz", "Pz"])
    assert kept(found, known=re.compile(r"01|\w+-CS2")) == ["F7-CS2", "C3", "01", "Cz", "Pz"]


def test_a_user_may_choose_in_any_spelling():
    found = channels(["EEG FP1-REF", "ECG", "T3"])
    assert choose(found, ["Fp1", "ecg"]) == [0, 1]
    assert choose(found, ["T7"]) == [2]
    with pytest.raises(ValueError, match="no channel Oz, only EEG FP1-REF, ECG, T3"):
        choose(found, ["Oz"])
    with pytest.raises(ValueError, match=r"different rates \(C3 256 Hz, O1 512 Hz\)"):
        choose([*channels(["C3"]), *channels(["O1"], rate=512.0)], ["C3", "O1"])
