# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from get_hf.processing.constraints_get import null_space, rounding_step, satisfy
from small import NAMES, RATE, as_raw, continued, signal

SEVEN = ["Fp1", "F7", "T7", "P7", "O1", "Cz", "Pz"]


def rounded(x: np.ndarray, step: float) -> np.ndarray:
    """As a file keeps it."""
    return step * np.round(x / step)


def eeg(n_chans: int, seconds: float = 20.0, seed: int = 0) -> np.ndarray:
    """Channels of which each has some microvolts for itself."""
    rng = np.random.default_rng(seed)
    return signal(seconds, n_chans, seed) + 3 * rng.standard_normal((n_chans, round(seconds * RATE)))


def average_reference(x: np.ndarray) -> np.ndarray:
    return x - x.mean(axis=0)


def copies(x: np.ndarray) -> np.ndarray:
    return x[[0, 1, 2, 3, 0, 1, 0]]


def bipolar_loop(x: np.ndarray) -> np.ndarray:
    return np.stack([x[0] - x[1], x[1] - x[2], x[2] - x[0], x[3], x[4], x[5], x[6] - x[0]])


def without_two_components(x: np.ndarray) -> np.ndarray:
    vectors = np.linalg.eigh(x @ x.T)[1][:, [-2, -4]]
    return x - vectors @ (vectors.T @ x)


def one_interpolated(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:6], [0.3 * x[0] + 0.5 * x[1] + 0.2 * x[5]]])


#: What was done to seven channels, and how many constraints they are under then.
MADE = [(average_reference, 1), (copies, 3), (bipolar_loop, 1), (without_two_components, 2), (one_interpolated, 1)]


def decoded(extractor, x: np.ndarray, output: str = "array", **kwargs):
    """Prompt and continuation in microvolts, `(channels, times)`."""
    features = extractor(x, sampling_rate=RATE, ch_names=SEVEN, unit="uV")
    return extractor.decode(continued(features, 40), features, output=output, **kwargs)[0]


@pytest.mark.parametrize("step", [0.0, 0.02, 0.1])
@pytest.mark.parametrize(("made_of", "n_constraints"), MADE)
def test_a_continuation_satisfies_the_constraints_of_its_recording(extractor, made_of, n_constraints, step):
    x = made_of(eeg(7))
    x = rounded(x, step) if step else x
    features = extractor(x, sampling_rate=RATE, ch_names=SEVEN, unit="uV")
    assert features.recordings[0].constraints.shape == (7, n_constraints)
    whole = decoded(extractor, x)
    new = whole[:, x.shape[-1] :]
    true = null_space(extractor.clean(made_of(eeg(7)), RATE))  # before the file rounded anything
    assert np.abs(true.T @ new).std() < (1e-9 if not step else 1e-3 * new.std())


def test_whole_microvolts_have_the_same_rounding_step_after_an_average_reference():
    x = rounded(average_reference(rounded(eeg(32), 1.0)), 0.1)
    assert null_space(x, rounding_step(x)).shape == (32, 1)


def test_a_copy_is_a_copy_to_the_last_bit_that_can_be_seen(extractor):
    x = copies(eeg(7))
    new = decoded(extractor, x, include_prompt=False)
    for one, other in ((0, 4), (0, 6), (1, 5)):
        np.testing.assert_allclose(new[one], new[other], atol=1e-9)
    assert new.std(axis=-1).min() > 0.3 * x.std()


def test_an_average_reference_of_mne_goes_on(extractor):
    raw = as_raw(eeg(7), SEVEN).set_eeg_reference("average", verbose="error")
    features = extractor(raw)
    (out,) = extractor.decode(continued(features, 40), features)
    new = out.get_data()[:, raw.n_times :]
    assert np.abs(new.mean(axis=0)).max() < 1e-9 * new.std()


def test_a_bad_channel_does_not_break_the_constraints_of_the_others(extractor):
    raw = as_raw(eeg(7), SEVEN)
    raw.info["bads"] = ["T7"]
    raw.set_eeg_reference("average", verbose="error")  # of the good ones
    with pytest.warns(UserWarning, match="masked: T7"):
        features = extractor(raw)
    (out,) = extractor.decode(continued(features, 40), features, output="array")
    new = out[:, raw.n_times :]
    assert not new[2].any()
    assert np.abs(new.sum(axis=0)).max() < 1e-9 * new.std()


def test_there_is_no_step_at_the_seam(extractor):
    x = average_reference(eeg(7))
    whole = decoded(extractor, x)
    steps = np.abs(np.diff(whole, axis=-1))
    around = steps[:, x.shape[-1] - 3 : x.shape[-1] + 3]
    assert around.max() < 1.5 * np.quantile(steps, 0.999)


@pytest.mark.parametrize(("n_chans", "seconds"), [(1, 20), (2, 20), (4, 3), (7, 0.5), (7, 20)])
def test_without_a_constraint_nothing_is_projected(extractor, n_chans, seconds):
    x = eeg(n_chans, seconds)
    for given in (x, rounded(x, 1.0), rounded(x, 0.1)):
        features = extractor(given, sampling_rate=RATE, ch_names=SEVEN[:n_chans], unit="uV")
        assert features.recordings[0].constraints.shape == (n_chans, 0)
    y = np.random.default_rng(0).standard_normal((n_chans, 9))
    np.testing.assert_array_equal(satisfy(y, features.recordings[0].constraints), y)


def test_four_samples_per_channel_are_too_few_to_tell_by_if_one_is_missing():
    x = average_reference(np.random.default_rng(0).standard_normal((7, 28)))
    assert null_space(x).shape == (7, 1)
    assert null_space(x[:, 1:]).shape == (7, 0)


def test_electrodes_that_gel_bridges_are_no_copies():
    x = eeg(7)
    x[4] = x[3] + 0.5 * np.random.default_rng(1).standard_normal(x.shape[-1])
    x = rounded(x, 1.0)
    assert null_space(x, rounding_step(x)).shape == (7, 0)


def test_slow_signals_alone_are_no_constraint(extractor):
    slow = sosfiltfilt(butter(6, 10, fs=RATE, output="sos"), eeg(7, 60.0))
    assert null_space(extractor.clean(slow, RATE)).shape == (7, 0)


def test_nothing_is_satisfied_from_nothing(extractor):
    features = extractor(ch_names=NAMES)
    assert features.recordings[0].constraints.shape == (4, 0)


@pytest.mark.parametrize("step", [1.0, 0.5, 125 / 1024, 2000 / 65535])
def test_the_step_of_rounding_is_found(step):
    x = rounded(signal(), step)
    assert rounding_step(x) == pytest.approx(step)
    assert rounding_step((x + 5e4).astype(np.float64)) == pytest.approx(step)
    assert rounding_step(x[:, ::-1] * 1e-6 * 1e6) == pytest.approx(step)


def test_unrounded_samples_have_no_step_and_samples_rounded_twice_have_the_last():
    assert rounding_step(signal()) == 0
    assert rounding_step(np.zeros((2, 50))) == 0
    assert rounding_step(rounded(rounded(signal(), 1.0), 0.39)) == pytest.approx(0.39)


class TestRealRecordings:
    def read(self, real_eeg) -> mne.io.BaseRaw:
        return mne.io.read_raw_edf(real_eeg / "eegmmidb/S001/S001R01.edf", preload=True, verbose="error").crop(0, 20)

    def test_sixty_four_channels_in_whole_microvolts_are_under_no_constraint(self, extractor, real_eeg):
        assert extractor(self.read(real_eeg)).recordings[0].constraints.shape == (64, 0)

    def test_their_average_reference_is_found_again_in_a_file(self, extractor, real_eeg, tmp_path):
        raw = self.read(real_eeg).set_eeg_reference("average", verbose="error")
        raw.export(tmp_path / "average.edf", physical_range=(-2e3, 2e3), verbose="error")
        found = extractor(mne.io.read_raw_edf(tmp_path / "average.edf", verbose="error")).recordings[0].constraints
        assert found.shape == (64, 1)
        np.testing.assert_allclose(np.abs(found), 1 / 8, atol=1e-3)
