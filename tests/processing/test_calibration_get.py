# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the transform of a recording is estimated from: itself, its session or a reference."""

import mne
import numpy as np
import pytest
import torch

from get_hf import CHECKPOINT, GETFeatureExtractor

NAMES, RATE = ["C3", "Cz", "C4", "Oz"], 100.0


@pytest.fixture(scope="module")
def extractor():
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


def eeg(seed, n_times=6000, strength=1.0):
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.standard_normal((1, n_times)), axis=-1)
    own = rng.standard_normal((len(NAMES), n_times))
    x = 3 * own + common - np.convolve(common[0], np.ones(50) / 50, mode="same")
    return strength * 5 * x


def prepared(extractor, x, **kwargs):
    return extractor(x, sampling_rate=RATE, ch_names=NAMES, unit="uV", **kwargs)


def test_trials_calibrated_together_keep_their_differences_in_power(extractor):
    session = eeg(0).reshape(len(NAMES), 15, 400).transpose(1, 0, 2)
    session[7:] *= 2
    each, together = (prepared(extractor, session, calibrate_on=policy) for policy in ("each", "all"))
    ratios = [float(f["input_values"][7:].std() / f["input_values"][:7].std()) for f in (each, together)]
    assert ratios[0] == pytest.approx(1, abs=0.1)
    assert ratios[1] == pytest.approx(2, abs=0.3)
    assert torch.equal(together["calibration"][0], together["calibration"][14])
    assert not torch.equal(each["calibration"][0], each["calibration"][14])


def test_a_reference_calibrates_other_recordings(extractor):
    reference, louder = eeg(0), eeg(1, strength=3.0)
    ready = extractor.calibrate(reference, sampling_rate=RATE, ch_names=NAMES, unit="uV")
    features = prepared(extractor, louder, calibrate_on=ready)
    assert float(features["input_values"][..., 25:].std()) == pytest.approx(3, abs=0.5)
    directly = prepared(extractor, louder, calibrate_on=reference)
    torch.testing.assert_close(directly["input_values"], features["input_values"])


def test_decoding_inverts_the_shared_transform(extractor):
    session = eeg(2).reshape(len(NAMES), 15, 400).transpose(1, 0, 2)
    each, together = (prepared(extractor, session, calibrate_on=policy) for policy in ("each", "all"))
    decoded = [extractor.decode(f["input_values"], f, output="array") for f in (each, together)]
    np.testing.assert_allclose(decoded[1], decoded[0], atol=1e-6)


def test_entries_of_a_list_are_sessions_of_their_own(extractor):
    quiet, loud = (eeg(3, strength=s).reshape(len(NAMES), 15, 400).transpose(1, 0, 2) for s in (1, 4))
    features = prepared(extractor, [quiet, loud], calibrate_on="all")
    deviations = features["input_values"].std((1, 2))
    assert deviations[:15].mean() == pytest.approx(float(deviations[15:].mean()), rel=0.05)


def test_a_channel_that_is_bad_in_one_trial_is_left_out_of_the_session(extractor):
    session = eeg(4).reshape(len(NAMES), 15, 400).transpose(1, 0, 2)
    session[3, 1] = 0.0
    with pytest.warns(UserWarning, match="masked: Cz"):
        features = prepared(extractor, session, calibrate_on="all")
    assert features["channel_mask"].tolist() == [[1, 0, 1, 1]] * 15


def test_the_policy_is_saved_with_the_extractor(extractor, tmp_path):
    extractor.but(calibrate_on="all").save_pretrained(tmp_path)
    loaded = GETFeatureExtractor.from_pretrained(tmp_path)
    session = eeg(5).reshape(len(NAMES), 15, 400).transpose(1, 0, 2)
    features = prepared(loaded, session)
    assert torch.equal(features["calibration"][0], features["calibration"][1])


def test_epochs_share_the_transform_of_their_set(extractor):
    raw = mne.io.RawArray(eeg(6) * 1e-6, mne.create_info(NAMES, RATE, "eeg"), verbose="error")
    epochs = mne.make_fixed_length_epochs(raw, 4.0, preload=True, verbose="error")
    features = extractor(epochs, calibrate_on="all")
    assert torch.equal(features["calibration"][0], features["calibration"][-1])
    features = extractor(epochs, calibrate_on=raw)
    assert len(features["input_values"]) == 15


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (eeg(7)[:3], "has also Oz compared with the recording to calibrate on"),
        (eeg(7)[:, :10], "shorter than one patch"),
        (np.full((4, 600), np.nan), "NaN"),
        (7, "EEG"),
    ],
)
def test_a_reference_that_does_not_fit_is_refused(extractor, reference, message):
    raw = None
    if np.ndim(reference) == 2:
        raw = mne.io.RawArray(reference * 1e-6, mne.create_info(NAMES[: len(reference)], RATE, "eeg"), verbose="error")
    whole = mne.io.RawArray(eeg(8) * 1e-6, mne.create_info(NAMES, RATE, "eeg"), verbose="error")
    with pytest.raises(ValueError, match=message):
        extractor(whole, calibrate_on=raw if raw is not None else reference)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match='calibrate_on must be "each", "all" or a recording'):
        GETFeatureExtractor(calibrate_on="session")


def blinks_of(extractor, x, at, names, amplitude=150.0, width=1.0):
    """Adds blinks of the population at samples."""
    population = extractor.population.blinks
    topographies = population._topographies(extractor_positions(names))
    shape = np.array(population.shape)
    y = x.copy()
    for peak in at:
        y[:, peak - 40 : peak + 120] += amplitude * topographies[:, :1] * shape
    return y


def extractor_positions(names):
    from get_hf.processing.montage_get import channel_positions

    return channel_positions(names)


HEAD = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2"]


def of_head(extractor, x, **kwargs):
    return extractor(x, sampling_rate=RATE, ch_names=HEAD, unit="uV", **kwargs)


@pytest.fixture(scope="module")
def head():
    def make(seed, n_times=6000):
        rng = np.random.default_rng(seed)
        slow = np.cumsum(rng.standard_normal((len(HEAD), n_times)), axis=-1)
        slow -= np.stack([np.convolve(row, np.ones(60) / 60, mode="same") for row in slow])
        return 3 * slow + 2 * rng.standard_normal((len(HEAD), n_times))

    return make


def test_a_recording_loses_the_blinks_that_its_reference_has(extractor, head):
    at = [600, 1500, 2700, 4000, 5100]
    reference = blinks_of(extractor, head(0), at, HEAD)
    blinking = blinks_of(extractor, head(1), [1000, 2500, 4500], HEAD)
    ready = extractor.calibrate(reference, sampling_rate=RATE, ch_names=HEAD, unit="uV")
    found = of_head(extractor, blinking, calibrate_on=ready).recordings[0].events.blinks.events
    np.testing.assert_allclose(found[:, 0], [1000, 2500, 4500], atol=10)


def test_no_event_is_subtracted_that_the_reference_does_not_have(extractor, head):
    ready = extractor.calibrate(head(0), sampling_rate=RATE, ch_names=HEAD, unit="uV")
    blinking = blinks_of(extractor, head(1), [1000, 2500, 4500], HEAD)
    features = of_head(extractor, blinking, calibrate_on=ready)
    assert not features.recordings[0].events.signal.any()
    assert of_head(extractor, blinking).recordings[0].events.signal.any()


def test_what_looks_like_blinks_but_comes_three_times_a_second_stays(extractor, head):
    reference = blinks_of(extractor, head(0), [600, 1500, 2700, 4000, 5100], HEAD)
    ready = extractor.calibrate(reference, sampling_rate=RATE, ch_names=HEAD, unit="uV")
    discharge = [*range(3000, 3500, 33)]
    mixed = blinks_of(extractor, head(1), [1000, *discharge], HEAD)
    features = of_head(extractor, mixed, calibrate_on=ready)
    np.testing.assert_allclose(features.recordings[0].events.blinks.events[:, 0], [1000], atol=10)
    values = features["input_values"][0].reshape(len(HEAD), -1, 25)[:, 1:].square().mean((0, 2))
    assert values[120:140].mean() > 3 * values[60:100].mean()
