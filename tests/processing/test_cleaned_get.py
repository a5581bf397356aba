# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Recordings that were cleaned of blinks get none."""

import mne
import numpy as np
import pytest

from get_hf import CHECKPOINT, GETFeatureExtractor
from get_hf.processing.event_shapes_get import low_pass, spatial_filter
from get_hf.processing.events_get import Events
from get_hf.processing.montage_get import channel_positions
from get_hf.training.evaluation.recordings import CHANNELS

POSITIONS = channel_positions(list(CHANNELS))
PATCH = 25
OPEN, CLOSED = 2, 3


@pytest.fixture(scope="module")
def extractor() -> GETFeatureExtractor:
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


def gaussian(extractor: GETFeatureExtractor, seconds: float, seed: int) -> np.ndarray:
    """EEG `(20, times)` in microvolts with the population's spectra and covariance, and no blinks."""
    transform = extractor.transform
    noise = np.random.default_rng(seed).standard_normal((len(CHANNELS), round(100 * seconds) + 1000))
    return transform.inverse(noise, transform.unprompted(POSITIONS))[:, -round(100 * seconds) :]


def without_ocular_part(extractor: GETFeatureExtractor, x: np.ndarray) -> np.ndarray:
    """What is left of `(20, times)` when most of an ocular component is taken out."""
    noise = np.cov(low_pass(gaussian(extractor, 60, 99)))
    topography = extractor.population.blinks.unprompted(POSITIONS, noise).topographies[:, 0]
    weights, _ = spatial_filter(topography, noise)
    return x - 0.7 * np.outer(topography, weights @ x)


def rate(extractor: GETFeatureExtractor, x: np.ndarray, condition: int) -> float:
    """Blinks per patch that follow a recording."""
    population = extractor.population.blinks
    blinks = Events.find(x, POSITIONS, population, extractor.transform.slow_covariance(POSITIONS)).blinks
    return float(population.rates_of(blinks, [condition], [condition], PATCH)[0])


@pytest.mark.parametrize("condition", [0, OPEN, CLOSED])
@pytest.mark.parametrize("seed", range(3))
def test_eight_seconds_without_blinks_and_slow_frontal_activity_count_as_cleaned(extractor, condition, seed):
    x = without_ocular_part(extractor, gaussian(extractor, 8, seed))
    assert rate(extractor, x, condition) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_the_slow_frontal_activity_of_a_person_keeps_the_blinks_of_closed_eyes(extractor, seed):
    x = gaussian(extractor, 8, seed)
    assert 0 < rate(extractor, x, CLOSED) < extractor.population.blinks.rates[CLOSED]


def test_two_seconds_without_a_blink_are_not_enough_evidence(extractor):
    x = gaussian(extractor, 2, 0)
    for condition in (OPEN, CLOSED):
        assert 0 < rate(extractor, x, condition) < extractor.population.blinks.rates[condition]


def test_a_minute_without_a_blink_settles_it_for_open_eyes(extractor):
    assert rate(extractor, gaussian(extractor, 60, 0), OPEN) == 0.0


def test_one_blink_is_enough_to_go_on_blinking(extractor):
    x = without_ocular_part(extractor, gaussian(extractor, 8, 0))
    population = extractor.population.blinks
    topography = population.unprompted(POSITIONS, np.eye(len(CHANNELS))).topographies[:, 0]
    x[:, 300 : 300 + len(population.shape)] += 200 * np.outer(topography, population.shape)
    assert rate(extractor, x, OPEN) > 0


def test_real_recordings_cleaned_by_an_ica_get_no_blinks(extractor, real_eeg):
    """Of people who blink; and as they were recorded, they go on blinking."""
    n_cleaned, n_blinking = [], []
    for subject in (2, 3, 4, 5):
        path = real_eeg / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R01.edf"
        if not path.is_file():
            pytest.skip(f"no {path.name}")
        raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
        raw.rename_channels({name: name.strip(".").upper() for name in raw.ch_names})
        raw.pick([name.upper() for name in CHANNELS])
        as_recorded = extractor.clean(raw.get_data(units="uV"), raw.info["sfreq"])
        ica = mne.preprocessing.ICA(15, random_state=0, max_iter=300, verbose="error")
        ica.fit(raw.copy().filter(1, 40, verbose="error"), verbose="error")
        found = (ica.find_bads_eog(raw, name, threshold=2.5, verbose="error")[0] for name in ("FP1", "FP2"))
        ocular = {index for each in found for index in each}
        ica.apply(raw, exclude=sorted(ocular), verbose="error")
        cleaned = extractor.clean(raw.get_data(units="uV"), raw.info["sfreq"])
        for start in range(0, 4800, 800):
            n_cleaned.append(rate(extractor, cleaned[:, start : start + 800], OPEN) == 0)
            n_blinking.append(rate(extractor, as_recorded[:, start : start + 800], OPEN) > 0)
    assert np.mean(n_cleaned) > 0.75
    assert np.mean(n_blinking) > 0.85
