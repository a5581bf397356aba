# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The fitted numbers beside `preprocessor_config.json`."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_equal
from safetensors.numpy import load_file, save_file
from transformers import AutoFeatureExtractor

from get_hf import CHECKPOINT
from get_hf.processing.equaliser_get import N_TRAITS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.state_get import STATE, Corrections, Population, load_state, save_state
from small import corrected

GAINS = np.arange(101 * 9).reshape(101, 9) * 1e-4


@pytest.fixture
def corrections() -> Corrections:
    return Corrections(
        {"none": GAINS, "eyes_closed": GAINS[::-1]},  # in an order of memory of its own
        {"none": -GAINS},
        {"none": np.ones((N_TRAITS, 101, 9))},
        {"left_fist": np.arange(9.0)},
        np.full((25, 5), 0.1),
    )


def test_all_of_it_comes_back_to_the_last_bit(extractor, corrections, tmp_path):
    population = replace(extractor.population, autocorrelation=np.asfortranarray([1.0, 0.5]))
    save_state(population, corrections, tmp_path)
    again, measured = load_state(tmp_path / STATE)
    for name, value in vars(population).items():
        if name != "blinks":
            assert_equal(getattr(again, name), value)
    assert_equal(vars(measured), vars(corrections))


def test_how_people_blink_comes_back(tmp_path):
    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    blinks = extractor.population.blinks
    blinks.find(np.random.default_rng(0).standard_normal((2, 800)), np.eye(2, 6))  # which computes on the way
    save_state(extractor.population, extractor.corrections, tmp_path)
    again, _ = load_state(tmp_path / STATE)
    for each in fields(blinks):
        assert_equal(getattr(again.blinks, each.name), getattr(blinks, each.name))


def test_parameters_of_earlier_versions_are_left_out(tmp_path):
    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    save_state(extractor.population, extractor.corrections, tmp_path)
    before = load_file(tmp_path / STATE)
    save_file(before | {"population.blinks.share_cleaned": np.array(0.3)}, tmp_path / STATE)
    save_state(*load_state(tmp_path / STATE), tmp_path)
    assert_equal(load_file(tmp_path / STATE), before)


def test_a_condition_may_have_any_name(tmp_path, corrections):
    extractor = GETFeatureExtractor(conditions=["none", "eyes.closed"])
    tables = {"none": GAINS, "eyes.closed": -GAINS}
    corrected(extractor, generated_log_gains=tables).save_pretrained(tmp_path)
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert_equal(loaded.corrections.generated_log_gains, tables)


def test_settings_without_their_file_are_refused(extractor):
    with pytest.raises(ValueError, match="load them with from_pretrained"):
        GETFeatureExtractor(**extractor.to_dict())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"autocorrelation": []}, "autocorrelation .* must be 1 to 1000 numbers"),
        ({"autocorrelation": np.ones(20_000)}, "autocorrelation .* must be 1 to 1000 numbers"),
        ({"autocorrelation": [1.0, 3.0]}, "1, r_1, r_2, .. of some signal"),
        ({"autocorrelation": [0.0, 0.0]}, "1, r_1, r_2, .. of some signal"),
        ({"autocorrelation": ["1"]}, "autocorrelation of the population must be finite numbers"),
        ({"scale": -1.0}, "scale of the population must be a positive number"),
        ({"channel_variance": [0.1, 0.2]}, r"channel_variance .* must be finite numbers of shape \(25,\)"),
        ({"channel_variance": [np.nan] * 25}, "channel_variance .* must be finite numbers"),
        ({"harmonic_covariance": np.zeros((25, 4, 4))}, "harmonic_covariance .* of shape"),
    ],
    ids=str,
)
def test_a_population_that_does_not_fit_is_refused_in_one_sentence(change, expected):
    with pytest.raises(ValueError, match=expected) as error:
        GETFeatureExtractor(population=replace(Population.generic(25), **change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"generated_log_gains": [1.0] * 25}, "must hold a table for 'none'.* get-hf calibrate"),
        ({"generated_log_gains": {"none": GAINS, "asleep": GAINS}}, "must hold a table for"),
        ({"generated_log_gains": {"none": GAINS[:1]}}, r"for none must be finite numbers of shape \(101, 9\)"),
        ({"trait_log_gains": {"eyes_closed": GAINS}}, "must hold a table for 'none'"),
        ({"trait_log_gains": {"none": [GAINS]}}, "trait_log_gains .* for none must be finite numbers"),
        ({"cue_log_gains": {"asleep": [0.0] * 9}}, "cue_log_gains .* must hold a table for"),
        ({"cue_log_gains": {"feet": [0.0] * 4}}, "cue_log_gains .* for feet must be finite numbers"),
        ({"unprompted_coherence_shifts": [[0.0] * 5] * 24}, "unprompted_coherence_shifts .* must be finite numbers"),
    ],
    ids=str,
)
def test_corrections_that_do_not_fit_are_refused_in_one_sentence(change, expected):
    with pytest.raises(ValueError, match=expected) as error:
        GETFeatureExtractor(corrections=Corrections(**change))
    assert "\n" not in str(error.value)


class TestDamage:
    @pytest.fixture
    def folder(self, tmp_path):
        GETFeatureExtractor().save_pretrained(tmp_path)
        return tmp_path

    @staticmethod
    def refusal(folder) -> str:
        messages = set()
        for load in (GETFeatureExtractor.from_pretrained, AutoFeatureExtractor.from_pretrained):
            with pytest.raises(ValueError) as error:  # noqa: PT011  the message is what the tests look at
                load(folder)
            messages.add(str(error.value))
        (message,) = messages
        assert "\n" not in message
        return message

    def test_a_missing_file(self, folder):
        (folder / STATE).unlink()
        assert f"lacks {STATE}" in self.refusal(folder)

    def test_a_file_of_another_checkpoint(self, folder):
        GETFeatureExtractor(patch_size=50).save_pretrained(folder / "other")
        (folder / "other" / STATE).replace(folder / STATE)
        assert "is not the file that its checkpoint_files.json names" in self.refusal(folder)

    def test_without_a_list_the_contents_are_still_checked(self, folder):
        (folder / "checkpoint_files.json").unlink()
        assert GETFeatureExtractor.from_pretrained(folder).patch_size == 25
        (folder / STATE).write_bytes(b"no tensors")
        assert "cannot be read" in self.refusal(folder)

    @pytest.mark.parametrize("name", ["population.scale", "population.channel_variance"])
    def test_a_file_that_lacks_something(self, folder, name):
        (folder / "checkpoint_files.json").unlink()
        arrays = load_file(folder / STATE)
        del arrays[name]
        save_file(arrays, folder / STATE)
        assert "must hold tensors named after" in self.refusal(folder)

    @pytest.mark.parametrize("name", ["population.eyes", "elsewhere.scale", "alone", "population.scale.deeper"])
    def test_a_file_that_holds_something_else(self, folder, name):
        (folder / "checkpoint_files.json").unlink()
        save_file(load_file(folder / STATE) | {name: np.zeros(3)}, folder / STATE)
        assert "must hold tensors named after" in self.refusal(folder)
