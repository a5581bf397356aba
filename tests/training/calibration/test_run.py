# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_equal
from typer.testing import CliRunner

from get_hf import GETConfig, GETFeatureExtractor, GETModel
from get_hf.cli import app
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, LARGEST_LOG_GAIN_FROM_NOTHING
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import quadratic_in_position
from get_hf.training.calibration import corrections
from get_hf.training.calibration import run as calibration


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


def written(checkpoint) -> dict:
    """The corrections of a checkpoint, by name."""
    return vars(GETFeatureExtractor.from_pretrained(checkpoint).corrections)


def write(checkpoint, **known) -> None:
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    extractor.but(corrections=replace(extractor.corrections, **known)).save_pretrained(checkpoint)


def test_calibration_measures_and_writes_the_corrections(people, checkpoint, quick):
    found = calibration.calibrate(checkpoint, people)
    gains, shifts = found["generated_log_gains"], found["unprompted_coherence_shifts"]
    unprompted = found["unprompted_log_gains"]
    assert_equal(written(checkpoint), found)
    assert np.abs(found["trait_log_gains"]["none"]).max() > 0.01  # two people differ by one component
    assert np.abs(unprompted["none"]).max() > 0.01
    assert not np.allclose(unprompted["none"], gains["none"], atol=0.01)
    assert np.shape(gains["none"]) == (101, 9)
    assert np.abs(gains["none"]).max() > 0.01
    cues = found["cue_log_gains"]
    assert set(cues) == {"left_fist", "right_fist"}  # after rest two runs have 6 and 4 trials of them
    assert not {*cues} & {*gains, *unprompted}
    for effect in cues.values():
        assert np.abs(effect).max() > 0.001
    assert np.shape(shifts) == (25, 5)
    assert np.abs(shifts).max() > 0.001
    # from the beginning, whatever was found before
    shown = CliRunner().invoke(app, ["calibrate", str(checkpoint), "--data", str(people)])
    assert shown.exit_code == 0, shown.output
    assert_equal(written(checkpoint), found)
    at_cz = quadratic_in_position(channel_positions(["Cz"]))[0]
    lines = [line.split() for line in shown.stdout.splitlines()]
    at_c3 = quadratic_in_position(channel_positions(["C3"]))[0]
    shown_cues = {line[0]: float(line[1]) for line in lines if line and line[0] in cues}
    assert shown_cues == pytest.approx({name: np.exp(at_c3 @ effect) for name, effect in cues.items()}, abs=6e-4)
    rows = [line for line in lines if line and line[0].isdigit()]
    assert [float(row[0]) for row in rows] == 2 * list(range(0, 50, 2))
    after, nothing = rows[:25], rows[25:]
    for table, parts, log_gains, largest in (
        (after, [], gains, LARGEST_LOG_GAIN),
        (nothing, [shifts], unprompted, LARGEST_LOG_GAIN_FROM_NOTHING),
    ):
        for k, row in enumerate(table):
            losses, gain = row[1 : -len(gains)], row[-len(gains) :][list(log_gains).index("none")]
            expected = [0.64 * part[k][0] + 0.8 * at_cz[:4] @ part[k][1:] for part in parts]
            np.testing.assert_allclose([float(loss) for loss in losses], expected, atol=1e-3)
            # what is further off is not made up for
            log_gain = np.clip(at_cz @ log_gains["none"][4 * k], -largest, largest)
            assert float(gain) == pytest.approx(np.exp(log_gain), rel=2e-3, abs=2e-3)
        assert len({row[-1] for row in table}) > 3
    assert "gains after 8 s: round 1 of 1" in shown.stderr
    assert "gains from nothing: round 1 of 1" in shown.stderr


def test_a_step_is_measured_again_on_top_of_the_earlier_steps(people, checkpoint, quick):
    def cues(**known) -> dict:
        write(checkpoint, **known)
        before = written(checkpoint)
        found = calibration.calibrate(checkpoint, people, steps=["cues"])
        assert set(found) == {"cue_log_gains"}
        assert_equal(written(checkpoint), before | found)
        return found["cue_log_gains"]

    first = cues()
    assert set(first) == {"left_fist", "right_fist"}
    assert_equal(cues(), first)
    louder = np.zeros((101, 9))
    louder[:, 0] = 0.1
    behind = cues(generated_log_gains={"none": louder})
    assert behind["left_fist"][0] < first["left_fist"][0] - 0.01


def test_a_step_is_measured_without_the_corrections_of_later_steps(people, checkpoint, quick, monkeypatch):
    known = {"generated_log_gains": {"none": np.full((101, 9), 0.01)}, "cue_log_gains": {"feet": np.full(9, 0.1)}}
    write(checkpoint, **known)

    def unprompted(self) -> dict:
        assert_equal(self.known.generated_log_gains, known["generated_log_gains"])
        assert self.known.cue_log_gains == self.known.trait_log_gains == {}
        return {"unprompted_log_gains": {"none": np.zeros((101, 9))}}

    monkeypatch.setattr(calibration.Calibration, "unprompted", unprompted)
    calibration.calibrate(checkpoint, people, steps=["unprompted"])
    assert_equal(written(checkpoint)["cue_log_gains"], known["cue_log_gains"])


def test_an_interruption_keeps_finished_steps_and_changes_nothing_else(people, checkpoint, quick, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    known = {"generated_log_gains": {"none": np.full((101, 9), 0.01)}, "cue_log_gains": {"feet": np.full(9, 0.1)}}
    write(checkpoint, **known)
    monkeypatch.setattr(calibration.Calibration, "unprompted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calibration.calibrate(checkpoint, people)
    assert not np.allclose(written(checkpoint)["generated_log_gains"]["none"], 0.01)
    assert_equal(written(checkpoint)["cue_log_gains"], known["cue_log_gains"])


def test_a_step_that_there_is_not_is_refused_before_anything_is_read(checkpoint):
    before = (checkpoint / "population.safetensors").read_bytes()
    shown = CliRunner().invoke(app, ["calibrate", str(checkpoint), "--data", str(checkpoint), "--step", "cue"])
    assert isinstance(shown.exception, ValueError)
    assert str(shown.exception) == ("There is no step 'cue' of calibration: choose among gains, unprompted, cues.")
    assert (checkpoint / "population.safetensors").read_bytes() == before
