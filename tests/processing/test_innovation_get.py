# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from copy import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import coherence, csd, lfilter

from get_hf.processing.innovation_get import Innovation, InnovationTransform
from get_hf.processing.montage_get import ELECTRODES, channel_positions
from get_hf.processing.population_get import DEGREE, harmonics, symmetric_roots
from get_hf.processing.signal_get import mirror_left
from get_hf.training.pretraining.population import fit_population

TEN_TWENTY = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8"]
TEN_TWENTY += ["P7", "P3", "Pz", "P4", "P8", "O1", "O2"]
TEN_TEN = [name for name in ELECTRODES if not name.endswith("h")][:64]
AR = np.array([-1.2, 0.4])  # x_t = 1.2 x_(t-1) - 0.4 x_(t-2) + e_t: 1/f-like
PATCH, MEMORY = 25, 110  # samples that the filters of order 50 and 60 look back on


def true_covariance(positions: np.ndarray) -> np.ndarray:
    """Independent spherical harmonics, high degrees weaker, and a noise of each channel's own."""
    degrees = np.repeat(np.arange(DEGREE + 1), 2 * np.arange(DEGREE + 1) + 1)
    basis = harmonics(positions)
    return basis @ np.diag(8.0 * np.exp(-degrees)) @ basis.T + 0.1 * np.eye(len(positions))


def simulate(positions: np.ndarray, n_times: int, seed: int, scale: float = 5.0) -> np.ndarray:
    """An AR process in time with `true_covariance` across channels, microvolts."""
    noise = np.random.default_rng(seed).standard_normal((len(positions), n_times + 500))
    return scale * lfilter([1.0], [1.0, *AR], symmetric_roots(true_covariance(positions))[0] @ noise)[:, 500:]


def fit_to(*montages: list[str], seconds: int = 60) -> InnovationTransform:
    positions = [channel_positions(names) for names in montages]
    return fit_population([(simulate(p, 100 * seconds, seed), p) for seed, p in enumerate(positions)]).transform(PATCH)


TRANSFORM = fit_to(TEN_TWENTY, TEN_TWENTY, TEN_TWENTY)
POSITIONS = channel_positions(TEN_TWENTY)


def root(innovation: Innovation) -> np.ndarray:
    return innovation.stages[-1].covariance_root


def matrices(innovation: Innovation) -> np.ndarray:
    return innovation.stages[1].matrices


def relative_error(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.linalg.norm(x - y) / np.linalg.norm(y))


def round_trip_error(x: np.ndarray, positions: np.ndarray, n_calibration: int | None = None) -> float:
    innovation = TRANSFORM.forward(x, positions, n_calibration)
    # float32 is what the model sees and returns
    return relative_error(TRANSFORM.inverse(innovation.values.astype(np.float32), innovation), x)


class TestRoundTrip:
    @pytest.mark.parametrize("n_calibration", [None, 0, 100, 10_000])
    def test_the_inverse_gives_the_signal_back(self, n_calibration):
        assert round_trip_error(simulate(POSITIONS, 1516, 7), POSITIONS, n_calibration) < 1e-5

    @pytest.mark.parametrize("n_times", [25, 26, 40, 41, 42, 66, 110, 111, 112, 1000, 1036, 1037])
    def test_any_length_comes_back_sample_by_sample(self, n_times):
        x = simulate(POSITIONS, n_times, 7)
        innovation = TRANSFORM.forward(x, POSITIONS)
        back = TRANSFORM.inverse(innovation.values, innovation)
        assert back.shape == x.shape
        assert relative_error(back, x) < 1e-9

    def test_sixty_four_channels_come_back(self):
        positions = channel_positions(TEN_TEN)
        assert round_trip_error(simulate(positions, 1016, 7), positions) < 1e-5

    def test_one_channel_comes_back(self):
        positions = channel_positions(["Cz"])
        assert round_trip_error(simulate(positions, 1016, 7), positions) < 1e-5

    def test_channels_that_are_copies_of_each_other_come_back(self):
        positions = channel_positions(["Cz", "Cz", "Pz", "Cz"])
        x = simulate(positions, 3016, 7)
        x[1] = x[3] = x[0]
        assert round_trip_error(x, positions) < 1e-5

    def test_average_referenced_channels_come_back(self):
        positions = channel_positions(TEN_TEN)
        x = simulate(positions, 6016, 7)
        assert round_trip_error(x - x.mean(axis=0), positions) < 1e-5

    def test_bipolar_channels_come_back(self):
        positions = channel_positions(["Fp1-F7", "F7-T7", "T7-P7", "P7-O1", "Fz-Cz"])
        assert round_trip_error(simulate(positions, 1016, 7), positions) < 1e-5

    @given(
        seed=st.integers(0, 1000),
        n_chans=st.integers(1, 8),
        n_times=st.integers(25, 400),
        gain=st.floats(-2, 3),
        offset=st.floats(-100, 100),
        n_calibration=st.none() | st.integers(0, 500),
        n_copies=st.integers(0, 4),
    )
    @settings(deadline=None, max_examples=40)
    def test_whatever_the_signal_it_comes_back(self, seed, n_chans, n_times, gain, offset, n_calibration, n_copies):
        rng = np.random.default_rng(seed)
        positions = channel_positions(rng.choice(TEN_TWENTY, n_chans))
        x = 10**gain * rng.standard_normal((n_chans, n_times)) + offset
        x[:n_copies] = x[0]
        innovation = TRANSFORM.forward(x, positions, n_calibration)
        assert np.isfinite(innovation.values).all()
        assert np.isfinite(innovation.calibration).all()
        assert relative_error(TRANSFORM.inverse(innovation.values, innovation), x) < 1e-5


class TestPatches:
    @pytest.mark.parametrize("n_patches", [1, 2, 40])
    def test_memory_and_whole_patches_need_no_mirror(self, n_patches):
        x = simulate(POSITIONS, MEMORY + n_patches * PATCH, 7)
        innovation = TRANSFORM.forward(x, POSITIONS, has_memory=True)
        assert innovation.values.shape == (len(x), n_patches * PATCH)
        assert innovation.n_padding == 0
        np.testing.assert_array_equal(innovation.memory, x[:, :MEMORY])

    @pytest.mark.parametrize(
        ("n_times", "n_patches"), [(25, 1), (30, 2), (100, 4), (101, 5), (111, 5), (885, 36), (886, 36), (887, 36)]
    )
    def test_every_sample_belongs_to_a_patch_whatever_the_length(self, n_times, n_patches):
        innovation = TRANSFORM.forward(simulate(POSITIONS, n_times, 7), POSITIONS)
        assert innovation.values.shape[-1] == n_patches * PATCH
        assert innovation.n_padding == MEMORY + n_patches * PATCH - n_times

    def test_patches_that_memory_leads_are_those_that_the_same_samples_make_of_a_longer_signal(self):
        x = simulate(POSITIONS, MEMORY + 10 * PATCH, 7)
        one, other = (TRANSFORM.forward(y, POSITIONS, 0, has_memory=True) for y in (x, x[:, 2 * PATCH :]))
        np.testing.assert_allclose(other.values, one.values[:, 2 * PATCH :], atol=1e-9)

    def test_memory_without_samples_after_it_is_refused(self):
        with pytest.raises(ValueError, match=f"has {MEMORY} samples, of which the filters need {MEMORY}"):
            TRANSFORM.forward(simulate(POSITIONS, MEMORY, 7), POSITIONS, has_memory=True)

    def test_the_mirror_is_odd_about_the_first_sample(self):
        np.testing.assert_array_equal(mirror_left(np.array([[1.0, 2.0, 4.0]]), 2), [[-2.0, 0.0, 1.0, 2.0, 4.0]])

    def test_a_mirror_longer_than_the_signal_goes_on(self):
        assert mirror_left(np.array([[0.0, 1.0]]), 5).tolist() == [[-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0]]

    def test_a_mirror_of_nothing_is_nothing(self):
        x = np.array([[1.0, 2.0]])
        assert mirror_left(x, 0) is x


@pytest.fixture(scope="module")
def values():
    """Innovations `(channels, patches, coefficients)` of a long recording."""
    x = simulate(POSITIONS, MEMORY + 800 * PATCH, 11)
    return TRANSFORM.forward(x, POSITIONS, has_memory=True).values.reshape(len(x), -1, PATCH)


class TestWhiteness:
    def test_every_coefficient_of_every_channel_has_about_unit_variance(self, values):
        variance = values.var(axis=1)
        assert variance.min() > 0.8
        assert variance.max() < 1.2
        assert values.var() == pytest.approx(1, abs=0.02)

    def test_coefficients_of_a_patch_do_not_correlate(self, values):
        for channel in values:
            assert np.abs(np.corrcoef(channel.T) - np.eye(PATCH)).max() < 0.2  # 5.6 standard errors

    def test_successive_patches_do_not_correlate(self, values):
        lagged = np.einsum("cnk,cnl->kl", values[:, 1:], values[:, :-1]) / values[:, 1:, 0].size
        assert np.abs(lagged).max() < 0.06

    def test_channels_do_not_correlate(self, values):
        flat = values.reshape(len(values), -1)
        assert np.abs(np.corrcoef(flat) - np.eye(len(flat))).max() < 0.05

    def test_white_noise_through_the_inverse_has_the_spectrum_and_covariance_of_the_recording(self):
        x = simulate(POSITIONS, MEMORY + 400 * PATCH, 11)
        innovation = TRANSFORM.forward(x, POSITIONS)
        noise = np.random.default_rng(0).standard_normal(innovation.values.shape)
        y = TRANSFORM.inverse(np.concatenate([innovation.values, noise], axis=-1), innovation)[:, x.shape[-1] :]
        assert relative_error(np.cov(y), np.cov(x)) < 0.2
        power = [np.abs(np.fft.rfft(s[:, :10_000].reshape(-1, 100, 100))).mean((0, 1))[1:45] for s in (x, y)]
        np.testing.assert_allclose(power[1], power[0], rtol=0.1)


class TestPopulation:
    def test_channels_with_a_delay_between_them_stay_coherent(self):
        """Whose mirror image has the delay the other way round."""
        rng = np.random.default_rng(0)
        common, own = rng.standard_normal((60, 802)), 0.3 * rng.standard_normal((60, 2, 800))
        positions, made = channel_positions(["Pz", "Oz"]), []
        for shared, separate in zip(common, own, strict=True):
            x = np.stack([shared[2:], (shared[1:-1] + shared[:-2]) / 2]) + separate  # 1.5 samples
            innovation = TRANSFORM.forward(20 * x, positions)
            values = np.concatenate([innovation.values, rng.standard_normal((2, 1600))], axis=-1)
            made.append(TRANSFORM.inverse(values, innovation)[:, 800:])
        real = np.stack([common[:, 2:], (common[:, 1:-1] + common[:, :-2]) / 2], axis=1) + own
        coherences = []
        for x in (np.stack(made), real):
            (f, cross), (_, a), (_, b) = (
                csd(x[:, i], x[:, j], 100.0, nperseg=100) for i, j in ((0, 1), (0, 0), (1, 1))
            )
            cross, a, b = (each.mean(axis=0)[(f >= 15) & (f <= 30)] for each in (cross, a.real, b.real))
            coherences.append((np.abs(cross) ** 2 / (a * b)).mean())
        assert coherences[0] == pytest.approx(coherences[1], abs=0.06)  # smoothing takes .04, the mirror .08 more

    def test_unprompted_shifts_raise_coherence_by_their_value(self):
        rng = np.random.default_rng(0)
        noise = rng.standard_normal((len(POSITIONS), 400 * PATCH))
        with_shifts, coherences, levels = copy(TRANSFORM), [], []
        with_shifts.unprompted_shifts = np.tile([0.0, -0.1, 0.0, 0.0, 0.0], (PATCH, 1))
        for transform in (TRANSFORM, with_shifts):
            x = transform.inverse(noise, transform.unprompted(POSITIONS))
            coherences.append(coherence(x[0], x[1:], 100.0, nperseg=100)[1][:, 4:44])
            levels.append(x.std(axis=-1))
        np.testing.assert_allclose(levels[1], levels[0], rtol=0.1)
        gained = (coherences[1] - coherences[0]) / (1 - coherences[0])
        assert gained.mean() == pytest.approx(0.1, abs=0.03)

    def test_positions_alone_use_nothing_of_the_signal(self):
        x = simulate(POSITIONS, 516, 7)
        alone, other = (TRANSFORM.forward(y, POSITIONS, n_calibration=0) for y in (x, -30 * x[:, ::-1]))
        nothing = TRANSFORM.unprompted(POSITIONS)
        for each in (alone, other):
            np.testing.assert_array_equal(root(each), root(nothing))
            np.testing.assert_array_equal(matrices(each), matrices(nothing))
        assert not alone.calibration.any()

    def test_calibration_uses_nothing_after_its_end(self):
        x = simulate(POSITIONS, 1016, 7)
        y = x.copy()
        y[:, 500:] *= 7
        first, second = (TRANSFORM.forward(signal, POSITIONS, n_calibration=500) for signal in (x, y))
        np.testing.assert_array_equal(root(first), root(second))
        np.testing.assert_array_equal(first.calibration, second.calibration)
        n_same = (500 - MEMORY) // PATCH * PATCH
        np.testing.assert_allclose(first.values[:, :n_same], second.values[:, :n_same], atol=1e-12)

    def test_calibration_uses_samples_before_its_end(self):
        x = simulate(POSITIONS, 1016, 7)
        some, more = (TRANSFORM.forward(x, POSITIONS, n_calibration=n) for n in (500, 600))
        assert relative_error(root(some), root(more)) > 1e-3

    def test_calibration_longer_than_the_signal_is_all_of_it(self):
        x = simulate(POSITIONS, 516, 7)
        np.testing.assert_array_equal(
            TRANSFORM.forward(x, POSITIONS).values, TRANSFORM.forward(x, POSITIONS, n_calibration=9999).values
        )

    def test_no_recording_has_no_values_and_no_past_and_equals_the_population(self):
        nothing = TRANSFORM.unprompted(POSITIONS)
        assert nothing.values.shape == (len(POSITIONS), 0)
        assert not nothing.memory.any()
        np.testing.assert_array_equal(nothing.calibration, np.eye(27)[[1] * len(POSITIONS)])
        assert TRANSFORM.inverse(np.zeros((len(POSITIONS), 50)), nothing).shape == (len(POSITIONS), 50)

    def test_white_noise_without_a_prompt_has_the_power_of_the_population(self):
        noise = np.random.default_rng(0).standard_normal((len(POSITIONS), 400 * PATCH))
        y = TRANSFORM.inverse(noise, TRANSFORM.unprompted(POSITIONS))
        assert np.median(y.std(axis=-1)) == pytest.approx(np.median(simulate(POSITIONS, 10_000, 5).std(-1)), rel=0.15)

    @pytest.mark.parametrize("names", [["Cz"], ["Cz"] * 3, TEN_TEN, list(ELECTRODES), ["Fp1-F7", "F7-Fp1", "Cz-Cz"]])
    def test_the_covariance_is_positive_definite_for_any_montage(self, names):
        covariance = TRANSFORM.population_covariance(channel_positions(names))
        assert covariance.shape == (PATCH, len(names), len(names))
        assert np.linalg.eigvalsh(covariance).min() > 0

    def test_a_bipolar_channel_is_the_difference_of_its_electrodes(self):
        basis = harmonics(channel_positions(["Fp1", "F7", "Fp1-F7"]))
        np.testing.assert_allclose(basis[0] - basis[1], basis[2], atol=1e-6)


class TestChannels:
    @given(st.permutations(range(len(TEN_TWENTY))))
    @settings(deadline=None, max_examples=10)
    def test_permuting_channels_permutes_everything(self, order):
        x = simulate(POSITIONS, 500, 7)
        straight, permuted = TRANSFORM.forward(x, POSITIONS), TRANSFORM.forward(x[order], POSITIONS[order])
        np.testing.assert_allclose(permuted.values, straight.values[order], atol=1e-8)
        np.testing.assert_allclose(permuted.calibration, straight.calibration[order], atol=1e-5)
        np.testing.assert_allclose(root(permuted), root(straight)[order][:, order], atol=1e-8)
        np.testing.assert_allclose(matrices(permuted), matrices(straight)[:, order][:, :, order], atol=1e-8)


@pytest.fixture(scope="module")
def continued():
    """Where the seam is, and steps from sample to sample of 20 x 19 channels, in units of the prompt's."""
    n_prompt, n_new = MEMORY + 40 * PATCH, 20 * PATCH
    steps = []
    for seed in range(20):
        x = simulate(POSITIONS, n_prompt, 100 + seed)
        innovation = TRANSFORM.forward(x, POSITIONS)
        noise = np.random.default_rng(seed).standard_normal((len(x), n_new))
        y = TRANSFORM.inverse(np.concatenate([innovation.values, noise], axis=-1), innovation)
        np.testing.assert_allclose(y[:, :n_prompt], x, atol=1e-8)
        step = np.diff(y, axis=-1)
        steps.append(step / step[:, : n_prompt - 1].std(axis=-1, keepdims=True))
    return n_prompt, np.concatenate(steps)


class TestContinuity:
    """What is appended after the recording goes on where it stopped."""

    def test_the_step_at_the_seam_is_a_step_like_others(self, continued):
        n_prompt, steps = continued
        assert steps[:, n_prompt - 1].std() == pytest.approx(1, abs=0.2)

    def test_steps_at_the_borders_of_patches_are_steps_like_others(self, continued):
        n_prompt, steps = continued
        borders = steps[:, n_prompt - 1 + PATCH :: PATCH]
        within = np.delete(steps[:, n_prompt:], np.s_[PATCH - 1 :: PATCH], axis=-1)
        assert borders.std() == pytest.approx(within.std(), rel=0.1)

    def test_silence_in_the_innovations_lets_the_past_die_away_without_a_jump(self):
        x = simulate(POSITIONS, 20_036, 7)
        innovation = TRANSFORM.forward(x, POSITIONS)
        y = TRANSFORM.inverse(np.pad(innovation.values, ((0, 0), (0, 8 * PATCH))), innovation)
        predicted = -AR[0] * y[:, 20_035] - AR[1] * y[:, 20_034]
        assert np.sqrt(np.mean((y[:, 20_036] - predicted) ** 2)) < 0.1 * x.std()
        assert np.abs(y[:, -PATCH:]).max() < 0.05 * x.std()


class TestCalibration:
    def test_amplitude_is_a_feature_and_not_a_value(self):
        x = simulate(POSITIONS, 1016, 7)
        quiet, loud = TRANSFORM.forward(x, POSITIONS), TRANSFORM.forward(3 * x, POSITIONS)
        np.testing.assert_allclose(loud.values, quiet.values, atol=1e-9)
        np.testing.assert_allclose(loud.calibration[:, 0] - quiet.calibration[:, 0], np.log(3), atol=1e-5)
        np.testing.assert_allclose(loud.calibration[:, 1:], quiet.calibration[:, 1:], atol=1e-5)

    def test_a_strong_channel_shows_in_its_own_features(self):
        x = simulate(POSITIONS, 3016, 7)
        y = x.copy()
        y[4] *= 4
        change = TRANSFORM.forward(y, POSITIONS).calibration - TRANSFORM.forward(x, POSITIONS).calibration
        assert change[4, 2:].mean() > np.delete(change, 4, axis=0)[:, 2:].mean() + 1.5

    def test_alpha_shows_in_the_coefficient_of_10_hz_at_its_channels(self):
        x = simulate(POSITIONS, 6016, 7)
        y = x.copy()
        occipital = [TEN_TWENTY.index(name) for name in ("O1", "O2", "Pz")]
        y[occipital] += 15 * np.sin(2 * np.pi * 10 * np.arange(6016) / 100)
        change = TRANSFORM.forward(y, POSITIONS).calibration - TRANSFORM.forward(x, POSITIONS).calibration
        spectrum = change[occipital, 2:].mean(axis=0)
        assert np.argmax(spectrum) == 5  # coefficient k of 25 samples is centred on 2 k Hz
        assert spectrum[5] > np.delete(change, occipital, axis=0)[:, 7].mean() + 1

    @pytest.mark.parametrize(("n_calibration", "told"), [(0, 0), (100, 1), (None, 1)])
    def test_the_features_say_whether_anything_was_calibrated(self, n_calibration, told):
        x = simulate(POSITIONS, 3016, 7)
        assert (TRANSFORM.forward(x, POSITIONS, n_calibration).calibration[:, 1] == told).all()

    @pytest.mark.parametrize("n_calibration", [200, 400, 1000])
    def test_calibrated_innovations_have_a_deviation_of_one(self, n_calibration):
        x = simulate(POSITIONS, 122 * PATCH, 7)
        innovation = TRANSFORM.forward(x, POSITIONS, n_calibration)
        whitening = innovation.stages[-1]
        n_known = whitening.n_known * PATCH
        assert n_known == n_calibration
        assert whitening.deviation < 1  # its own filter leaves less of it
        assert innovation.values[:, :n_known].std() == pytest.approx(1, abs=0.03)
        assert TRANSFORM.forward(x, POSITIONS, 0).stages[-1].deviation == 1

    def test_one_artefact_does_not_move_the_scale(self):
        x = simulate(POSITIONS, 3016, 7)
        y = x.copy()
        y[:, 1500:1600] *= 50
        scales = [TRANSFORM.forward(signal, POSITIONS).calibration[0, 0] for signal in (x, y)]
        assert abs(scales[1] - scales[0]) < 0.07


class TestFit:
    def test_it_recovers_the_autoregressive_coefficients(self):
        np.testing.assert_allclose(TRANSFORM.ar_filter[1:3], AR, atol=0.05)
        assert np.abs(TRANSFORM.ar_filter[3:]).max() < 0.05

    def test_it_recovers_the_covariance_at_the_electrodes_it_saw(self):
        fitted = TRANSFORM.scale**2 * TRANSFORM.population_covariance(POSITIONS).mean(axis=0)
        assert relative_error(fitted, 25 * true_covariance(POSITIONS)) < 0.25

    def test_it_predicts_the_covariance_at_electrodes_it_never_saw(self):
        elsewhere = channel_positions(["F1", "F2", "FC5", "FC6", "CP1", "CP2", "PO3", "PO4"])
        fitted = TRANSFORM.scale**2 * TRANSFORM.population_covariance(elsewhere).mean(axis=0)
        assert relative_error(fitted, 25 * true_covariance(elsewhere)) < 0.35

    def test_recordings_of_different_montages_may_be_mixed(self):
        mixed = fit_to(TEN_TWENTY, TEN_TEN, ["C3", "Cz", "C4"])
        np.testing.assert_allclose(mixed.ar_filter[1:3], AR, atol=0.05)
        assert round_trip_error(simulate(POSITIONS, 516, 7), POSITIONS) < 1e-5
        covariance = mixed.population_covariance(POSITIONS).mean(axis=0)
        expected = true_covariance(POSITIONS)
        assert np.corrcoef(covariance.ravel(), expected.ravel())[0, 1] > 0.9

    def test_one_wild_recording_does_not_set_the_scale_of_all(self):
        recordings = [(simulate(POSITIONS, 3000, seed), POSITIONS) for seed in range(4)]
        wild = [*recordings[:3], (recordings[3][0] * 4, POSITIONS)]
        ratio = fit_population(wild).scale / fit_population(recordings).scale
        assert ratio == pytest.approx(4**0.25, rel=1e-6)

    def test_fitting_to_nothing_is_refused(self):
        with pytest.raises(ValueError, match="none was given"):
            fit_population([])

    def test_fitting_to_a_recording_without_a_whole_patch_is_refused(self):
        with pytest.raises(ValueError, match=r"40 samples.* 75"):
            fit_population([(simulate(POSITIONS, 40, 0), POSITIONS)])


class TestRoots:
    def test_the_root_squared_is_the_covariance_and_the_inverse_undoes_it(self):
        covariance = true_covariance(POSITIONS)
        root, inverse = symmetric_roots(covariance)
        np.testing.assert_allclose(root @ root, covariance, atol=1e-9)
        np.testing.assert_allclose(root @ inverse, np.eye(len(root)), atol=1e-9)
        np.testing.assert_allclose(root, root.T, atol=1e-12)

    def test_a_singular_covariance_still_has_roots_that_undo_each_other(self):
        root, inverse = symmetric_roots(np.ones((3, 3)))
        np.testing.assert_allclose(root @ inverse, np.eye(3), atol=1e-6)

    def test_spherical_harmonics_are_orthonormal(self):
        xyz = np.random.default_rng(0).standard_normal((100_000, 3))
        xyz /= np.linalg.norm(xyz, axis=-1, keepdims=True)
        basis = harmonics(np.pad(xyz, ((0, 0), (0, 3))))
        gram = 4 * np.pi * basis.T @ basis / len(xyz)
        np.testing.assert_allclose(gram, np.eye((DEGREE + 1) ** 2), atol=0.05)
