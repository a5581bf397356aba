# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET without its network: what each baseline keeps of the prompt, and what it does not."""

import numpy as np
import pytest

from get_hf import GETFeatureExtractor
from get_hf.training.evaluation.innovations.baselines import (
    Playback,
    Replay,
    White,
    amplitudes,
    band_groups,
    blocks_in_random_order,
    with_amplitudes,
)
from get_hf.training.evaluation.innovations.filters import PromptFilters
from synthetic import make_raw

CH_NAMES = ["Fp1", "C3", "C4", "O1", "O2"]
PAIRS = [("none", "none"), ("eyes_open", "eyes_open")]


@pytest.fixture(scope="module")
def prompts() -> np.ndarray:
    x = [make_raw(20.0, 100.0, CH_NAMES, seed).get_data(units="uV")[:, 200:1000] for seed in (1, 2)]
    return np.stack(x) * np.array([1.0, 2.0])[:, None, None]


@pytest.fixture(scope="module")
def filters() -> PromptFilters:
    return PromptFilters(GETFeatureExtractor())


def test_replay_in_the_true_order_is_the_prompt_again(filters, prompts):
    features = filters.features(prompts, CH_NAMES, PAIRS)
    made = filters.decode(filters.innovations(features), features, 800)
    inner = slice(300, 700)  # the filters start from the end of the prompt, and the drift is removed at both ends
    assert np.corrcoef(made[..., inner].ravel(), prompts[..., inner].ravel())[0, 1] > 0.95
    np.testing.assert_allclose(made[..., inner].std(axis=-1), prompts[..., inner].std(axis=-1), rtol=0.15)


@pytest.mark.parametrize("kind", [White, Playback, Replay])
def test_each_continues_every_prompt_with_its_amplitude_and_is_the_same_again(kind, filters, prompts):
    made = kind(filters, seed=1)(prompts, CH_NAMES, 1230, PAIRS)
    assert made.shape == (2, 5, 1230)
    np.testing.assert_allclose(made.std(axis=-1), prompts.std(axis=-1), rtol=0.5)
    np.testing.assert_array_equal(made, kind(filters, seed=1)(prompts, CH_NAMES, 1230, PAIRS))
    assert np.abs(made - kind(filters, seed=2)(prompts, CH_NAMES, 1230, PAIRS)).max() > 1


def test_only_white_needs_no_prompt(filters):
    made = White(filters).from_nothing(CH_NAMES, 500, ["none"] * 3, [None, 0, 1])
    assert made.shape == (3, 5, 500)
    assert (made.std(axis=-1) > 1).all()
    assert not hasattr(Playback(filters), "from_nothing")


def test_features_of_the_same_prompts_are_fitted_once(filters, prompts):
    first = filters.features(prompts, CH_NAMES, PAIRS)
    assert filters.features(prompts.copy(), CH_NAMES, PAIRS) is first
    assert filters.features(prompts + 1e-9, CH_NAMES, PAIRS) is not first


def test_the_innovations_of_the_prompt_decode_to_the_prompt(filters, prompts):
    """What is sent through the filters comes back: the future's innovations by the prompt's own filters."""
    features = filters.features(prompts[:1, :, :400], CH_NAMES, PAIRS[:1])
    prompt = features.recordings[0]
    transform = filters.extractor.transform
    fit = type(transform.fit(prompts[0], prompt.positions, False))(
        prompt.innovation.stages, prompt.innovation.calibration, False
    )
    events = filters.extractor.without_events(prompts[0], prompt.positions)
    values = transform.forward(events, prompt.positions, fit=fit).values[:, -400:]
    made = filters.decode([values.reshape(5, -1, 25)], features, 400)[0]
    assert np.corrcoef(made[:, 100:300].ravel(), events[:, 500:700].ravel())[0, 1] > 0.9


def test_innovations_are_white_and_those_of_the_future_too(filters, prompts):
    features = filters.features(prompts[..., :400], CH_NAMES, PAIRS)
    own = filters.innovations(features)
    future = filters.of_future(features, prompts[..., :400], prompts[..., 400:])
    assert [x.shape for x in own] == [x.shape for x in future] == [(5, 16, 25)] * 2
    for x in future:
        assert np.sqrt((x**2).mean()) == pytest.approx(1, abs=0.15)
    for x in own:  # smaller, as the filters were fitted to them
        assert 0.5 < np.sqrt((x**2).mean()) < 0.95
    with pytest.raises(ValueError, match="390 samples, and innovations come in patches of 25"):
        filters.of_future(features, prompts[..., :400], prompts[..., 400:790])


def test_playback_keeps_the_amplitudes_and_no_sign():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 40, 25)) * np.exp(rng.standard_normal((4, 40, 1)))
    made = with_amplitudes(rng, x)
    np.testing.assert_allclose(amplitudes(made), amplitudes(x))
    assert abs(np.corrcoef(made.ravel(), x.ravel())[0, 1]) < 0.05
    assert [(band.start, band.stop) for band in band_groups(25)] == [(0, 4), (4, 6), (6, 10), (10, 15), (15, 25)]


def test_replay_holds_every_block_of_two_seconds_before_it_repeats_one():
    x = np.arange(33.0)[None, :, None] + np.zeros((2, 33, 25))
    made = blocks_in_random_order(x, 48, np.random.default_rng(0))
    assert made.shape == (2, 48, 25)
    order = made[0, :, 0].reshape(6, 8)
    assert (np.diff(order, axis=1) == 1).all()
    assert sorted(order[:4, 0]) == [1, 9, 17, 25]  # the first patch is the remainder
    short = blocks_in_random_order(x[:, :3], 7, np.random.default_rng(0))
    assert short[0, :, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
