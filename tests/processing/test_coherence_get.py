# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.autoregression_get import lag_window, solve_yule_walker
from get_hf.processing.coherence_get import correct_coherence

N_LAGS = 25


def covariances(mixing: np.ndarray, decay: float = 0.6) -> np.ndarray:
    """Covariances at lags of independent first-order processes, mixed, windowed as estimates are."""
    lags = lag_window(N_LAGS) * decay ** np.arange(N_LAGS + 1)
    return lags[:, None, None] * (mixing @ mixing.T + 0.5 * np.eye(len(mixing)))


def spectra(found: np.ndarray, at: float) -> np.ndarray:
    """The cross-spectrum at a frequency between 0 and 1, half the rate."""
    waves = np.exp(-1j * np.pi * at * np.arange(1, len(found)))
    half = np.einsum("k,kcd->cd", waves, found[1:])
    return found[0] + half + half.conj().T


def squared_coherence(found: np.ndarray, at: float) -> np.ndarray:
    spectrum = spectra(found, at)
    power = np.diag(spectrum).real
    return np.abs(spectrum) ** 2 / power / power[:, None]


#: Anywhere: what is the same in all places does not depend on it.
POSITIONS = np.random.default_rng(1).standard_normal((12, 6))
MIXING = np.random.default_rng(0).standard_normal((5, 5))


def test_no_shift_changes_nothing():
    given_ = covariances(MIXING)
    np.testing.assert_allclose(correct_coherence(given_, np.zeros((25, 5)), POSITIONS[:5]), given_, atol=1e-9)


@pytest.mark.parametrize("shift", [(0.06, 0.0), (0.0, -0.1), (0.1, -0.08)])
def test_shifts_lower_coherence_by_their_value_and_keep_spectra(shift):
    given_ = covariances(MIXING)
    found = correct_coherence(given_, np.tile([*shift, 0, 0, 0], (25, 1)), POSITIONS[:5])
    pairs = np.triu_indices(5, 1)
    for at in (0.1, 0.5, 0.9):
        before, after = (squared_coherence(x, at)[pairs] for x in (given_, found))
        lost = shift[0] * (1 - before) ** 2 + shift[1] * (1 - before)
        np.testing.assert_allclose(after, np.clip(before - lost, 0, 0.985), atol=0.06)  # as far as a covariance may
        np.testing.assert_allclose(np.diag(spectra(found, at)), np.diag(spectra(given_, at)), rtol=0.03)


def test_a_shift_works_where_it_stands():
    shifts = np.zeros((25, 5))
    shifts[15:, 0] = 0.1
    given_ = covariances(MIXING)
    found = correct_coherence(given_, shifts, POSITIONS[:5])
    pairs = np.triu_indices(5, 1)
    change = [np.abs(squared_coherence(found, at) - squared_coherence(given_, at))[pairs].mean() for at in (0.2, 0.9)]
    assert change[0] < 0.1 * change[1]


def test_a_shift_works_in_its_place():
    positions = np.zeros((5, 6))
    positions[:, 1] = [1, 1, 0, -1, -1]  # two in front, two at the back
    given_ = covariances(np.ones((5, 1)))
    before, after = (
        squared_coherence(x, 0.3)
        for x in (given_, correct_coherence(given_, np.tile([0, 0, 0, 0.2, 0], (25, 1)), positions))
    )
    change = (before - after) / (1 - before + np.eye(5))
    assert change[0, 1] > 0.1 > 0.05 > abs(change[0, 4])
    assert change[3, 4] < -0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 10**6), st.floats(-0.25, 0.25), st.floats(-0.25, 0.25))
def test_the_result_is_a_covariance_for_any_input(n_chans, seed, chance, smoothing):
    mixing = np.random.default_rng(seed).standard_normal((n_chans, 2))  # almost all is shared
    found = correct_coherence(
        covariances(mixing, 0.9), np.tile([chance, smoothing, -smoothing, 0, chance], (25, 1)), POSITIONS[:n_chans]
    )
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found[0]).min() > 0
    _, covariance = solve_yule_walker(found)
    assert np.linalg.eigvalsh(covariance).min() > 0
