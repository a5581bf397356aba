# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.cli import app
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, LARGEST_LOG_GAIN_FROM_NOTHING
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import quadratic_in_position
from get_hf.training import calibration, corrections


@pytest.fixture
def quick(monkeypatch):
    """Few rounds, and groups as small as those of two people."""
    monkeypatch.setattr(corrections, "N_SHIFT_ROUNDS", 1)
    monkeypatch.setattr(corrections, "N_GAIN_ROUNDS", 1)
    monkeypatch.setattr(corrections, "LEAST_PROMPTS", 4)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    GETModel(
        GETConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=1, flow_hidden_size=32)
    ).save_pretrained(tmp_path)
    GETFeatureExtractor().save_pretrained(tmp_path)
    return tmp_path


def test_what_a_checkpoint_misses_is_measured_and_written(people, checkpoint, quick):
    before = json.loads((checkpoint / "preprocessor_config.json").read_text())
    found = calibration.calibrate(checkpoint, people)
    gains, shifts = found["generated_log_gains"], found["coherence_shifts"]
    unprompted = found["unprompted_log_gains"]
    assert json.loads((checkpoint / "preprocessor_config.json").read_text()) == before | found
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    assert (extractor.generated_log_gains, extractor.coherence_shifts) == (gains, shifts)
    assert extractor.unprompted_log_gains == unprompted
    assert extractor.trait_log_gains == found["trait_log_gains"]
    assert np.abs(found["trait_log_gains"]["none"]).max() > 0.01  # two people differ by one component
    assert np.abs(unprompted["none"]).max() > 0.01
    assert not np.allclose(unprompted["none"], gains["none"], atol=0.01)
    assert np.shape(gains["none"]) == (101, 9)
    assert np.abs(gains["none"]).max() > 0.01
    cues = found["cue_log_gains"]
    assert extractor.cue_log_gains == cues
    assert set(cues) == {"rest", "left_fist", "right_fist"}  # two runs have 8, 6 and 4 trials of them
    assert not {*cues} & {*gains, *unprompted}
    for effect in cues.values():
        assert np.abs(effect).max() > 0.001
    assert np.shape(shifts) == (2, 25, 5)
    assert (np.abs(shifts).max(axis=(1, 2)) > 0.001).all()
    # from the beginning, whatever was found before
    shown = CliRunner().invoke(app, ["calibrate", str(checkpoint), "--data", str(people)])
    assert shown.exit_code == 0, shown.output
    assert json.loads((checkpoint / "preprocessor_config.json").read_text()) == before | found
    at_cz = quadratic_in_position(channel_positions(["Cz"]))[0]
    lines = [line.split() for line in shown.stdout.splitlines()]
    at_c3 = quadratic_in_position(channel_positions(["C3"]))[0]
    shown_cues = {line[0]: float(line[1]) for line in lines if line and line[0] in cues}
    assert shown_cues == pytest.approx({name: np.exp(at_c3 @ effect) for name, effect in cues.items()}, abs=6e-4)
    rows = [line for line in lines if line and line[0].isdigit()]
    assert [float(row[0]) for row in rows] == 2 * list(range(0, 50, 2))
    after, nothing = rows[:25], rows[25:]
    for table, parts, log_gains, largest in (
        (after, shifts, gains, LARGEST_LOG_GAIN),
        (nothing, [found["unprompted_coherence_shifts"]], unprompted, LARGEST_LOG_GAIN_FROM_NOTHING),
    ):
        for k, row in enumerate(table):
            losses, gain = row[1 : -len(gains)], row[-len(gains) :][list(log_gains).index("none")]
            expected = [0.64 * part[k][0] + 0.8 * at_cz[:4] @ part[k][1:] for part in parts]
            np.testing.assert_allclose([float(loss) for loss in losses], expected, atol=1e-3)
            # what is further off is not made up for
            log_gain = np.clip(at_cz @ log_gains["none"][4 * k], -largest, largest)
            assert float(gain) == pytest.approx(np.exp(log_gain), rel=2e-3, abs=2e-3)
        assert len({row[-1] for row in table}) > 3
    assert "coherence after 8 s: round 1 of 1" in shown.stderr
    assert "gains from nothing: round 1 of 1" in shown.stderr


def test_a_step_is_measured_anew_behind_what_was_found_before(people, checkpoint, quick):
    path = checkpoint / "preprocessor_config.json"
    shifts = np.full((2, 25, 5), 0.01).tolist()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"coherence_shifts": shifts}))
    before = json.loads(path.read_text())
    found = calibration.calibrate(checkpoint, people, steps=["cues"])
    assert set(found) == {"cue_log_gains"}
    assert set(found["cue_log_gains"]) == {"rest", "left_fist", "right_fist"}
    assert json.loads(path.read_text()) == before | found


def test_what_was_found_is_kept_when_a_later_step_fails(people, checkpoint, quick, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(calibration.Calibration, "nothing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calibration.calibrate(checkpoint, people)
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    assert extractor.coherence_shifts is not None
    assert np.abs(extractor.generated_log_gains["none"]).max() > 0.01
    assert extractor.unprompted_coherence_shifts is None
    assert extractor.cue_log_gains == {}


def test_a_step_that_there_is_not_is_refused_before_anything_is_read(checkpoint):
    before = (checkpoint / "preprocessor_config.json").read_bytes()
    shown = CliRunner().invoke(app, ["calibrate", str(checkpoint), "--data", str(checkpoint), "--step", "cue"])
    assert isinstance(shown.exception, ValueError)
    assert str(shown.exception) == (
        "There is no step 'cue' of calibration: choose among coherence, gains, nothing, cues."
    )
    assert (checkpoint / "preprocessor_config.json").read_bytes() == before
