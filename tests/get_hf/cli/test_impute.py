# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf impute`."""

import json

import mne
import numpy as np
import pytest

from get_hf import save_recording
from synthetic import make_raw


@pytest.fixture
def impute(get_hf, tiny_checkpoint):
    """Runs `get-hf impute` with the tiny checkpoint."""
    return lambda *arguments: get_hf("impute", *arguments, "--checkpoint", tiny_checkpoint)


def test_named_channels_are_replaced_and_the_others_stay(impute, recording, tmp_path):
    assert impute(recording, "--channels", "cz,P4", "--out", "made.fif", "--seed", 5) == (0, "made.fif\n", "")
    raw, made = (mne.io.read_raw(path, verbose="ERROR") for path in (recording, tmp_path / "made.fif"))
    assert made.ch_names == [*raw.ch_names, "P4"]
    same = [name for name in raw.ch_names if name != "Cz.."]
    np.testing.assert_allclose(made.get_data(same), raw.get_data(same), rtol=1e-6, atol=1e-12)
    assert not np.allclose(made.get_data(["Cz.."]), raw.get_data(["Cz.."]), atol=1e-7)
    told = json.loads((tmp_path / "made.json").read_text())
    assert (told["imputed"], told["seed"]) == (["Cz..", "P4"], 5)


def test_bad_channels_are_found(impute, tmp_path):
    raw = make_raw()
    raw.info["bads"] = ["Pz.."]
    raw._data[0] = 0
    save_recording(raw, tmp_path / "bad.fif")
    code, _, _ = impute("bad.fif", "--bads", "--out", "made.fif")
    made = mne.io.read_raw(tmp_path / "made.fif", verbose="ERROR")
    assert (code, made.info["bads"]) == (0, [])
    assert json.loads((tmp_path / "made.json").read_text())["imputed"] == ["Fp1.", "Pz.."]


def test_each_draw_has_a_file(impute, recording, tmp_path):
    code, out, _ = impute(recording, "--channels", "Cz", "--out", "made.edf", "--draws", 2)
    assert (code, out) == (0, "made_1.edf\nmade_2.edf\n")
    one, two = (mne.io.read_raw(tmp_path / f"made_{n}.edf", verbose="ERROR").get_data(["Cz.."]) for n in (1, 2))
    assert not np.allclose(one, two, atol=1e-7)
    code, _, err = impute(tmp_path / "made_1.edf", "--channels", "Pz", "--out", "made.edf", "--draws", 2)
    assert code == 2
    assert "would be replaced" in err


def test_many_recordings_of_which_one_is_bad(impute, tmp_path):
    save_recording(make_raw(), tmp_path / "a.edf")
    save_recording(make_raw(ch_names=["C3", "Cz", "C4"]), tmp_path / "few.edf")
    code, out, err = impute("few.edf", "a.edf", "missing.edf", "--channels", "Cz", "--out-dir", "out")
    assert (code, out) == (2, "out/a.edf\n")
    told = [line for line in err.splitlines() if line.startswith("get-hf: ")]
    assert "at least 4 good channels" in told[0]
    assert told[-1] == "get-hf: 2 of 3 recordings could not be imputed."
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.edf", "a.json"]
    assert impute("a.edf", "--channels", "Cz", "--out-dir", "out")[0] == 2  # nothing is replaced
