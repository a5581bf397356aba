# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from edf_files import write_edf
from get_hf.training.corpora import get_corpus

SCALP = ["EEG Fp1", "EEG T3", "EEG Cz", "EEG O2"]


def test_rest_has_eyes_closed_and_arithmetic_has_no_condition(tmp_path):
    for part in (1, 2):
        write_edf(tmp_path / f"Subject07_{part}.edf", [*SCALP, "EEG A2-A1", "ECG ECG"], 5, 500.0)
    rest, arithmetic = get_corpus("eegmat").recordings(tmp_path)
    assert [(r.subject, r.session) for r in (rest, arithmetic)] == [("Subject07", "rest"), ("Subject07", "arithmetic")]
    raw = rest.open()
    assert raw.ch_names == SCALP  # neither ear against ear nor the heart
    assert raw.info["sfreq"] == 500.0
    assert rest.condition_spans(raw) == [(0.0, 5.0, "eyes_closed")]
    assert arithmetic.condition_spans(arithmetic.open()) == []
