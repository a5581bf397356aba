# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A linear head by logistic regression, on frozen features of causal windows."""

import pytest
import torch

from get_hf import GETForSequenceClassification
from get_hf.training.finetuning.logistic import fit_classifier, window_features
from tiny import PATCH, tiny_config, tiny_inputs

pytest.importorskip("sklearn")
WINDOW = 3


@pytest.fixture
def model() -> GETForSequenceClassification:
    torch.manual_seed(0)
    return GETForSequenceClassification(tiny_config(num_labels=2)).eval()


def loud_and_quiet(n_batch: int = 20, n_patches: int = 8) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    inputs, labels = tiny_inputs(n_batch=n_batch, n_patches=n_patches), torch.arange(n_batch) % 2
    for name in ("channel_positions", "calibration"):
        inputs[name] = inputs[name][:1].expand(n_batch, -1, -1)
    inputs["input_values"] = inputs["input_values"] * (1 + 3 * labels[:, None, None])
    return inputs, labels


def test_windows_follow_one_another_and_end_with_the_recording(model):
    inputs, _ = loud_and_quiet(n_batch=2, n_patches=8)
    windows = window_features(model, inputs, WINDOW)
    assert windows.shape == (2, 2, model.config.num_classifier_features)  # seven patches after the start
    every = model.embed(**inputs, window=WINDOW)
    torch.testing.assert_close(windows, every[:, [4, 7]])
    assert window_features(model, inputs, 100).shape[1] == 1


def test_loud_and_quiet_recordings_are_told_apart_by_the_model_itself(model):
    inputs, labels = loud_and_quiet()
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    fit_classifier(model, list(window_features(model, inputs, WINDOW)), labels.tolist())
    logits = model.classifier(model.embed(**inputs, window=WINDOW))[:, WINDOW:]
    assert (logits.argmax(-1) == labels[:, None]).float().mean() > 0.95
    assert (model(**inputs).logits.argmax(-1) == labels).float().mean() > 0.9
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())


def test_the_head_is_causal(model):
    inputs, labels = loud_and_quiet()
    fit_classifier(model, list(window_features(model, inputs, WINDOW)), labels.tolist())
    changed = inputs | {"input_values": inputs["input_values"].clone()}
    changed["input_values"][..., 5 * PATCH :] *= 7
    ours, theirs = (model.classifier(model.embed(**each, window=WINDOW)) for each in (inputs, changed))
    torch.testing.assert_close(ours[:, :5], theirs[:, :5])
    assert not torch.allclose(ours[:, 5], theirs[:, 5])


def test_a_second_fit_does_not_depend_on_the_first(model):
    inputs, labels = loud_and_quiet()
    fit_classifier(model, list(window_features(model, inputs, WINDOW)), labels.tolist())
    once = model(**inputs).logits
    fit_classifier(model, list(window_features(model, inputs, WINDOW)), labels.tolist())
    torch.testing.assert_close(model(**inputs).logits, once, atol=1e-2, rtol=1e-2)


def test_labels_of_one_class_are_refused(model):
    inputs, _ = loud_and_quiet()
    with pytest.raises(ValueError, match="recordings of both"):
        fit_classifier(model, list(window_features(model, inputs, WINDOW)), [1] * 20)
