# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A stream has the probabilities that the whole has, and forgets what no longer matters."""

import numpy as np
import pytest
import torch

from classifiers import small_classifier
from get_hf import GETFeatureExtractor, GETStreamClassifier
from synthetic import make_raw

NAMES = ("C3", "Cz", "C4", "Pz")
WINDOW = 8  # patches


@pytest.fixture(scope="module")
def model():
    return small_classifier(window_seconds=2.0, num_hidden_layers=2)


@pytest.fixture(scope="module")
def extractor():
    return GETFeatureExtractor()


@pytest.fixture(scope="module")
def cleaned(extractor):
    """Half a minute in microvolts at the model's rate."""
    return extractor.clean(make_raw(30.0, ch_names=NAMES).get_data(units="uV"), 160.0)


@pytest.fixture(scope="module")
def calibration(extractor):
    return extractor.calibrate(make_raw(60.0, ch_names=NAMES, seed=1))


@pytest.fixture(scope="module")
def whole(model, extractor, cleaned, calibration):
    """The probabilities of the whole at each patch."""
    own = {"sampling_rate": 100.0, "ch_names": NAMES, "unit": "uV", "band_limited": True}
    features = extractor(cleaned, **own, calibrate_on=calibration)
    assert features.recordings[0].events.signal.std() == 0  # which a stream does not look for
    with torch.no_grad():
        return model.classifier(model.embed(**features, window=WINDOW))[0, 1:].softmax(-1).numpy()


@pytest.mark.parametrize("step", [7, 25, 100, 3000])
def test_a_stream_equals_the_whole(model, extractor, cleaned, calibration, whole, step):
    stream = GETStreamClassifier(model, extractor, calibration)
    parts = [stream.push(cleaned[:, at : at + step]) for at in range(0, cleaned.shape[1], step)]
    assert sum(map(len, parts)) == stream.n_patches == len(whole) == 120
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)
    assert whole.std(axis=0).min() > 1e-3


def test_the_future_changes_nothing(model, extractor, cleaned, calibration, whole):
    stream = GETStreamClassifier(model, extractor, calibration)
    np.testing.assert_allclose(stream.push(cleaned[:, :1000]), whole[:40], atol=1e-4)


def test_what_is_kept_does_not_grow(model, extractor, cleaned, calibration):
    stream = GETStreamClassifier(model, extractor, calibration)

    def kept() -> int:
        layers = [tensor for layer in stream._cache.layers for tensor in (layer.keys, layer.values)]
        return sum(tensor.numel() for tensor in (*layers, *stream._states, *stream._values)) + stream._pending.size

    sizes = []
    for at in range(0, 3000, 100):
        stream.push(cleaned[:, at : at + 100])
        sizes.append(kept())
    assert len(set(sizes[5:])) == 1


def test_reset_begins_another_stream(model, extractor, cleaned, calibration):
    stream = GETStreamClassifier(model, extractor, calibration)
    first = stream.push(cleaned[:, :500])
    stream.reset()
    np.testing.assert_array_equal(stream.push(cleaned[:, :500]), first)


def test_bad_channels_are_not_heard(model, extractor, cleaned):
    raw = make_raw(60.0, ch_names=NAMES, seed=1)
    raw.info["bads"] = ["Cz"]
    with pytest.warns(UserWarning, match="Cz"):
        stream = GETStreamClassifier(model, extractor, extractor.calibrate(raw))
    loud = cleaned.copy()
    loud[1] = 1e6
    probabilities = stream.push(loud)
    stream.reset()
    np.testing.assert_array_equal(stream.push(cleaned), probabilities)


def test_two_seconds_after_a_sample_its_filters_have_settled(extractor):
    eeg = make_raw(60.0, ch_names=NAMES).get_data(units="uV")
    full = extractor.clean(eeg, 160.0)
    errors = [extractor.clean(eeg[:, : 160 * end], 160.0)[:, : 100 * (end - 2)] for end in range(20, 58, 2)]
    last = [part[:, -1] - full[:, part.shape[1] - 1] for part in errors]
    assert np.std(last) < 0.01 * full.std()


@pytest.mark.parametrize("samples", [np.zeros((3, 25)), np.zeros(4), np.full((4, 25), np.nan)])
def test_other_samples_are_refused(model, extractor, calibration, samples):
    with pytest.raises(ValueError, match=r"channels|finite"):
        GETStreamClassifier(model, extractor, calibration).push(samples)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "long"])
def test_windows_have_a_length(model, extractor, calibration, seconds):
    with pytest.raises(ValueError, match="window_seconds"):
        GETStreamClassifier(model, extractor, calibration, window_seconds=seconds)
    with pytest.raises(ValueError, match="window_seconds="):
        GETStreamClassifier(small_classifier(window_seconds=None, stride_seconds=None), extractor, calibration)
