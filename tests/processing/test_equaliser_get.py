# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What a cue does to the rhythms of what is generated."""

import numpy as np
import pytest
import scipy

from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN_AFTER_CUE
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.population_get import N_QUADRATIC
from get_hf.processing.rhythms_get import prominence
from small import NAMES, continued, corrected, signal

#: Of noise that this resonance filters, all is near 10 Hz.
ALPHA = [1, -2 * 0.95 * np.cos(0.2 * np.pi), 0.95**2]


def test_a_cue_lowers_the_rhythms_that_a_person_has(extractor, read):
    cue = np.zeros(N_QUADRATIC)
    cue[0] = -0.1  # everywhere alike
    cued = corrected(extractor, cue_log_gains={"left_fist": cue})
    noise = np.random.default_rng(0).standard_normal((5, 3000))
    x = scipy.signal.lfilter([5.0], [1, -0.9], noise[:4])
    x[1] += scipy.signal.lfilter([2.0], ALPHA, noise[4])
    left, feet = (read(x, sampling_rate=100.0, next_condition=name) for name in ("left_fist", "feet"))
    prominence = cued.gains.prominence(left.recordings[0])
    assert prominence[1, 20] > 1.5
    assert prominence[[0, 2, 3]].max() < 1
    generated = continued(left, 1200)
    plain, told, other = (
        each.decode(generated, features, "array")[0]
        for each, features in ((extractor, left), (cued, left), (cued, feet))
    )
    np.testing.assert_array_equal(other, plain)
    n_prompt = plain.shape[-1] - 1200 * 25
    np.testing.assert_array_equal(told[:, :n_prompt], plain[:, :n_prompt])
    power = [scipy.signal.welch(y[:, n_prompt:], 100.0, nperseg=800)[1][:, ::4] for y in (plain, told)]
    expected = np.exp(2 * np.clip(-0.1 * prominence**2, -LARGEST_LOG_GAIN_AFTER_CUE, LARGEST_LOG_GAIN_AFTER_CUE))
    np.testing.assert_allclose((power[1] / power[0])[:, 4:88], expected[:, 4:88], atol=0.08)


def test_after_a_cue_and_rest_again_it_is_as_strong_as_before():
    cued = corrected(GETFeatureExtractor(), cue_log_gains={"left_fist": [-0.5, *[0.0] * (N_QUADRATIC - 1)]})
    noise = np.random.default_rng(0).standard_normal((2, 4, 3000))
    x = scipy.signal.lfilter([5.0], [1, -0.9], noise[0]) + scipy.signal.lfilter([4.0], ALPHA, noise[1])
    plan = [("rest", 1), ("left_fist", 1), ("rest", 1)]
    plain, told = (
        cued.decode(continued(features, 12), features, "array", include_prompt=False)[0]
        for features in (
            cued(x, 100.0, NAMES, "uV", condition="rest", next_condition=following) for following in (None, plan)
        )
    )
    np.testing.assert_allclose(told[:, :100], plain[:, :100], atol=1e-9)
    share = told.std(axis=0) / plain.std(axis=0)
    assert np.median(share[120:200]) < 0.9
    np.testing.assert_allclose(np.median(share[270:300]), 1, atol=0.02)


def test_from_nothing_a_cue_weakens_the_rhythms_of_the_virtual_person():
    alpha = np.zeros((101, N_QUADRATIC))
    alpha[17:24, 0] = 0.6
    given = {"unprompted_log_gains": {"none": alpha}}
    effect = {"left_fist": [-0.2, *[0.0] * (N_QUADRATIC - 1)]}
    plain, cued = (corrected(GETFeatureExtractor(), **given, cue_log_gains=of_cues) for of_cues in ({}, effect))
    for name, share in (("left_fist", -0.2), ("rest", 0.0), ("feet", 0.0)):
        features = plain(ch_names=["C3", "C4"], condition=name)
        generated = continued(features, 1200)
        power = [
            scipy.signal.welch(each.decode(generated, features, "array")[0], 100.0, nperseg=800)[1][:, ::4]
            for each in (plain, cued)
        ]
        squared = cued.gains.prominence(features.recordings[0])[:, 20] ** 2
        assert (squared > 0.5).all()
        np.testing.assert_allclose((power[1] / power[0])[:, 20], np.exp(2 * share * squared), rtol=0.06)


def test_the_rhythms_of_a_short_prompt_count_less():
    extractor, x = GETFeatureExtractor(), signal(16, rate=100.0)
    for n_times, share in ((1600, 1.0), (400, 1.0), (100, 0.25)):
        (prompt,) = extractor(x[:, :n_times], 100.0, NAMES, "uV").recordings
        whole = prominence(prompt.innovation.log_spectrum(101), 100.0)
        np.testing.assert_allclose(extractor.gains.prominence(prompt), share * whole, atol=1e-9)


@pytest.mark.parametrize(
    ("condition", "next_condition", "weakened"),
    [
        ("rest", "left_fist", True),
        (None, "left_fist", True),
        ("right_fist", "left_fist", True),
        ("left_fist", None, False),
        ("left_fist", "left_fist", False),
        ("left_fist", [("rest", 1), ("left_fist", 2)], False),
    ],
)
def test_a_cue_repeated_after_the_prompt_weakens_nothing(condition, next_condition, weakened):
    effect = {name: [-0.5, *[0.0] * (N_QUADRATIC - 1)] for name in ("left_fist", "right_fist")}
    plain, cued = (corrected(GETFeatureExtractor(), cue_log_gains=of_cues) for of_cues in ({}, effect))
    noise = np.random.default_rng(0).standard_normal((2, 4, 3000))
    x = scipy.signal.lfilter([5.0], [1, -0.9], noise[0]) + scipy.signal.lfilter([4.0], ALPHA, noise[1])
    features = plain(x, 100.0, NAMES, "uV", condition=condition, next_condition=next_condition)
    before, after = (
        each.decode(continued(features, 12), features, "array", include_prompt=False)[0] for each in (plain, cued)
    )
    share = np.median(after[:, 150:].std(axis=0) / before[:, 150:].std(axis=0))
    assert share < 0.9 if weakened else share == 1
