# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf augment`, in this process; tests/catalogue has what it refuses."""

import mne
import numpy as np
import pytest

from get_hf import augment, load_pretrained, save_recording
from synthetic import make_raw

CLASSES = {"T1": 1, "T2": 2}
CONDITIONS = {"T1": "left_fist", "T2": "right_fist"}


@pytest.fixture
def trials(tmp_path) -> mne.BaseEpochs:
    data = np.stack([make_raw(seconds=3.0, seed=seed).get_data() for seed in range(2)])
    events = np.array([[0, 0, 1], [900, 0, 2]])
    epochs = mne.EpochsArray(data, make_raw().info, events, -2.0, CLASSES, verbose="ERROR")
    epochs.save(tmp_path / "trials-epo.fif", verbose="ERROR")
    return epochs


@pytest.mark.parametrize("rest", [None, "rest.edf", "rest-epo.fif"])
def test_it_writes_what_augment_returns(get_hf, tiny_checkpoint, trials, tmp_path, rest):
    raw = make_raw(9.0)
    save_recording(raw, tmp_path / "rest.edf")
    mne.make_fixed_length_epochs(raw, 4.0, verbose="ERROR").save(tmp_path / "rest-epo.fif", verbose="ERROR")
    options = [word for name, condition in CONDITIONS.items() for word in ("--condition", f"{name}={condition}")]
    options += ["--rest", rest] if rest else []
    code, out, err = get_hf(
        "augment", "trials-epo.fif", "--n", 2, "--out", "o-epo.fif", "--checkpoint", tiny_checkpoint, *options
    )
    assert (code, err) == (0, "")
    assert out == "o-epo.fif\n2 T1, 2 T2\n"
    made = mne.read_epochs(tmp_path / "o-epo.fif", verbose="ERROR")
    assert made.event_id == CLASSES
    assert made.get_data().shape == (4, *trials.get_data().shape[1:])
    assert np.isfinite(made.get_data()).all()
    if rest is None:
        expected = augment(
            mne.read_epochs(tmp_path / "trials-epo.fif", verbose="ERROR"),
            2,
            conditions=CONDITIONS,
            pretrained=load_pretrained(tiny_checkpoint),
        )
        np.testing.assert_allclose(made.get_data(), expected.get_data(), atol=1e-9)
