# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A recording without blinks, such as one that was cleaned of them, is continued without blinks."""

import mne
import numpy as np
import pytest

from get_hf import CHECKPOINT, GETFeatureExtractor
from get_hf.processing.events_get import Events
from get_hf.processing.montage_get import channel_positions
from get_hf.training.evaluation.recordings import CHANNELS

POSITIONS = channel_positions(list(CHANNELS))
PATCH = 25
UNKNOWN, OPEN, CLOSED = 0, 2, 3


@pytest.fixture(scope="module")
def extractor() -> GETFeatureExtractor:
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


def gaussian(extractor: GETFeatureExtractor, seconds: float, seed: int) -> np.ndarray:
    """EEG `(20, times)` in microvolts with the population's spectra and covariance, and no blinks."""
    transform = extractor.transform
    noise = np.random.default_rng(seed).standard_normal((len(CHANNELS), round(100 * seconds) + 1000))
    return transform.inverse(noise, transform.unprompted(POSITIONS))[:, -round(100 * seconds) :]


def rate(extractor: GETFeatureExtractor, x: np.ndarray, before: int, after: int) -> float:
    """Blinks per patch that follow a recording."""
    population = extractor.population.blinks
    blinks = Events.find(x, POSITIONS, population, extractor.transform.slow_covariance(POSITIONS)).blinks
    return float(population.rates_of(blinks, [before], [after], PATCH)[0])


@pytest.mark.parametrize("seconds", [1, 8, 60])
@pytest.mark.parametrize("before", [UNKNOWN, OPEN, CLOSED])
def test_a_recording_without_blinks_is_continued_without_blinks(extractor, before, seconds):
    assert rate(extractor, gaussian(extractor, seconds, 0), before, OPEN) == 0.0


def test_one_blink_is_enough_to_go_on_blinking(extractor):
    x = gaussian(extractor, 8, 0)
    population = extractor.population.blinks
    topography = population.unprompted(POSITIONS, np.eye(len(CHANNELS))).topographies[:, 0]
    x[:, 300 : 300 + len(population.shape)] += 200 * np.outer(topography, population.shape)
    closed, opened = (rate(extractor, x, OPEN, after) for after in (CLOSED, OPEN))
    assert 0 < closed < opened


def test_eeg_from_nothing_blinks_as_the_population_does(extractor):
    population = extractor.population.blinks
    nothing = Events.find(
        np.zeros((len(CHANNELS), 0)), POSITIONS, population, extractor.transform.slow_covariance(POSITIONS)
    ).blinks
    assert population.rates_of(nothing, [], [OPEN], PATCH)[0] == pytest.approx(population.rates[OPEN])


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
            n_cleaned.append(rate(extractor, cleaned[:, start : start + 800], OPEN, OPEN) == 0)
            n_blinking.append(rate(extractor, as_recorded[:, start : start + 800], OPEN, OPEN) > 0)
    assert np.mean(n_cleaned) > 0.9
    assert np.mean(n_blinking) > 0.8  # a few stretches of 8 s have no blink
