# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The linear probe that classifiers start from."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from get_hf import GETForSequenceClassification
from get_hf.training.finetuning.probe import (
    USUAL_STRENGTH,
    choose_strength,
    fit_linear,
    standardise,
    window_features,
)
from tiny import PATCH, tiny_config, tiny_inputs

N_WINDOWS = 12
#: Length of a causal window in patches.
WINDOW = 3


def classifier(n_classes: int = 2) -> GETForSequenceClassification:
    torch.manual_seed(0)
    return GETForSequenceClassification(tiny_config(num_labels=n_classes)).eval()


def points(model, n_windows: int = N_WINDOWS, informative: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    """Features of random windows, and labels that depend on one of them."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(n_windows, model.config.num_classifier_features, generator=generator)
    order = features[:, informative].argsort().argsort().numpy()
    return features, order * model.config.num_labels // n_windows


def test_embedding_after_standardising_has_mean_0_and_deviation_1():
    model = classifier()
    inputs = tiny_inputs(n_batch=8)
    features = model.embed(**inputs)
    expected = standardise(model, features)
    standardised = model.embed(**inputs)
    torch.testing.assert_close(standardised, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(standardised.mean(0), torch.zeros(len(features[0])), atol=1e-4, rtol=0)
    again = standardise(model, standardised)
    torch.testing.assert_close(again, expected, atol=1e-4, rtol=1e-4)


def test_a_feature_that_is_constant_in_training_does_not_explode_in_another_session():
    model = classifier()
    features, labels = points(model)
    features[:, 5] = 2.0 + 1e-6 * torch.randn(N_WINDOWS)
    fit_linear(model, standardise(model, features), labels, 1e-2)
    other = features.clone()
    other[:, 5] += 0.5
    before, after = (
        model.classifier((each - model.pooling.mean) / model.pooling.deviation) for each in (features, other)
    )
    torch.testing.assert_close(before, after, atol=1e-3, rtol=0)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_windows", [N_WINDOWS, 400])  # fewer than the features, and more
def test_the_linear_layer_is_the_logistic_regression_of_scikit_learn(n_classes, n_windows):
    model = classifier(n_classes)
    features, labels = points(model, n_windows)
    fit_linear(model, features, labels, 1e-2)
    expected = LogisticRegression(C=1e-2, max_iter=5000, tol=1e-8).fit(features.numpy(), labels)
    with torch.no_grad():
        found = model.classifier(features).softmax(-1).numpy()
    np.testing.assert_allclose(found, expected.predict_proba(features.numpy()), atol=2e-3)


def test_a_class_without_windows_is_named():
    model = classifier(3)
    features, labels = points(model)
    with pytest.raises(ValueError, match="no training window of class LABEL_2"):
        fit_linear(model, features, np.minimum(labels, 1), 1.0)


def test_the_strength_suits_how_much_there_is_to_learn():
    model = classifier()
    features, labels = points(model, 60)
    # a class that one large feature tells exactly wants large weights; labels of nothing want small ones
    telling = features.clone()
    telling[:, :200] += 3 * torch.from_numpy(2.0 * labels[:, None] - 1)
    assert choose_strength(telling, labels) > choose_strength(features, np.random.default_rng(0).permutation(labels))


def test_sessions_are_left_out_as_wholes():
    model = classifier()
    features, _ = points(model, 40)
    labels = np.arange(40) % 2
    sessions = np.repeat(np.arange(4), 10)
    # each session has a large offset of its own for its second class: telling inside a session, and useless elsewhere
    own = torch.zeros(40, 4)
    own[np.arange(40), sessions] = torch.from_numpy(6.0 * labels).float()
    features[:, :360] += own.repeat_interleave(90, dim=1)
    assert choose_strength(features, labels, sessions) <= choose_strength(features, labels)


def test_too_few_windows_leave_the_usual_strength():
    model = classifier()
    features, _ = points(model, 4)
    assert choose_strength(features, np.array([0, 0, 0, 1])) == USUAL_STRENGTH
    assert choose_strength(features, np.array([0, 0, 1, 1]), ["a", "a", "b", "b"]) == USUAL_STRENGTH


def loud_and_quiet(n_batch: int = 20, n_patches: int = 8) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Recordings of the same channels, half of them four times as loud, and which are."""
    inputs, labels = tiny_inputs(n_batch=n_batch, n_patches=n_patches), torch.arange(n_batch) % 2
    for name in ("channel_positions", "calibration"):
        inputs[name] = inputs[name][:1].expand(n_batch, -1, -1)
    inputs["input_values"] = inputs["input_values"] * (1 + 3 * labels[:, None, None])
    return inputs, labels


def fit_to_windows(model, inputs, labels, **settings) -> None:
    features = window_features(model, inputs, WINDOW)
    labels = np.repeat(labels.numpy(), features.shape[1])
    fit_linear(model, standardise(model, features.flatten(0, 1)), labels, **settings)


def test_windows_follow_one_another_and_end_with_the_recording():
    model = classifier()
    inputs, _ = loud_and_quiet(n_batch=2, n_patches=8)
    windows = window_features(model, inputs, WINDOW)
    assert windows.shape == (2, 2, model.config.num_classifier_features)  # seven patches after the start
    every = model.embed(**inputs, window=WINDOW)
    torch.testing.assert_close(windows, every[:, [4, 7]])
    assert window_features(model, inputs, 100).shape[1] == 1


def test_loud_and_quiet_recordings_are_told_apart_by_the_model_itself():
    model = classifier()
    inputs, labels = loud_and_quiet()
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    fit_to_windows(model, inputs, labels)
    logits = model.classifier(model.embed(**inputs, window=WINDOW))[:, WINDOW:]
    assert (logits.argmax(-1) == labels[:, None]).float().mean() > 0.95
    assert (model(**inputs).logits.argmax(-1) == labels).float().mean() > 0.9
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())


def test_a_probe_of_windows_is_causal():
    model = classifier()
    inputs, labels = loud_and_quiet()
    fit_to_windows(model, inputs, labels)
    changed = inputs | {"input_values": inputs["input_values"].clone()}
    changed["input_values"][..., 5 * PATCH :] *= 7
    ours, theirs = (model.classifier(model.embed(**each, window=WINDOW)) for each in (inputs, changed))
    torch.testing.assert_close(ours[:, :5], theirs[:, :5])
    assert not torch.allclose(ours[:, 5], theirs[:, 5])


def test_a_second_fit_does_not_depend_on_the_first():
    model = classifier()
    inputs, labels = loud_and_quiet()
    fit_to_windows(model, inputs, labels)
    once = model(**inputs).logits
    fit_to_windows(model, inputs, labels)
    torch.testing.assert_close(model(**inputs).logits, once, atol=1e-2, rtol=1e-2)


def test_balanced_classes_have_the_same_weight_whatever_their_number():
    features, _ = points(classifier(), 200)
    labels = (np.arange(200) >= 180).astype(int)  # nothing tells them: only their numbers speak
    means = []
    for balanced in (False, True):
        model = classifier()
        fit_linear(model, features, labels, 1e-5, balanced)
        with torch.no_grad():
            means.append(float(model.classifier(features).softmax(-1)[:, 1].mean()))
    assert means == pytest.approx([0.1, 0.5], abs=0.05)
