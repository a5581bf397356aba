# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from transformers import AutoModelForSequenceClassification
from transformers.testing_utils import CaptureLogger
from transformers.utils import logging

from get_hf import GETForSequenceClassification
from tiny import PATCH, tiny_config, tiny_inputs, tiny_model

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture
def classifier() -> GETForSequenceClassification:
    torch.manual_seed(0)
    model = GETForSequenceClassification(tiny_config(num_labels=3)).eval()
    model.backbone.load_state_dict(tiny_model().backbone.state_dict())
    return model


def test_a_recording_has_a_score_for_each_class(classifier):
    output = classifier(**tiny_inputs(n_batch=4))
    assert output.logits.shape == (4, 3)
    assert output.loss is None


def test_its_loss_is_the_cross_entropy(classifier):
    labels = torch.tensor([0, 2])
    output = classifier(**tiny_inputs(), labels=labels)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(output.logits, labels))


def test_its_loss_is_a_squared_error_for_regression():
    torch.manual_seed(0)
    model = GETForSequenceClassification(tiny_config(num_labels=1)).eval()
    target = torch.tensor([0.3, -1.0])
    output = model(**tiny_inputs(), labels=target)
    torch.testing.assert_close(output.loss, ((output.logits[:, 0] - target) ** 2).mean())


def test_all_its_weights_learn(classifier):
    classifier.train()(**tiny_inputs(), labels=torch.tensor([0, 2])).loss.backward()
    unused = {"backbone.condition_embedding.weight"}  # but for the unknown condition
    for name, parameter in classifier.named_parameters():
        assert name in unused or parameter.grad.abs().sum() > 0, name


def test_it_does_not_look_at_the_condition_it_is_asked_for(classifier):
    inputs = tiny_inputs()
    with_conditions = classifier(**inputs).logits
    del inputs["condition_ids"]
    assert torch.equal(classifier(**inputs).logits, with_conditions)


def test_the_order_of_channels_does_not_matter(classifier):
    inputs, order = tiny_inputs(n_chans=5), torch.tensor([3, 0, 1, 4, 2])
    permuted = {name: value if name == "condition_ids" else value[:, order] for name, value in inputs.items()}
    torch.testing.assert_close(classifier(**permuted).logits, classifier(**inputs).logits, **CLOSE)


def test_padding_changes_nothing(classifier):
    inputs = tiny_inputs(n_chans=3)
    padded = {
        "input_values": torch.nn.functional.pad(inputs["input_values"], (2 * PATCH, 0, 0, 1), value=5.0),
        "channel_positions": torch.nn.functional.pad(inputs["channel_positions"], (0, 0, 0, 1)),
        "calibration": torch.nn.functional.pad(inputs["calibration"], (0, 0, 0, 1)),
        "channel_mask": torch.tensor([[1, 1, 1, 0]] * 2),
        "attention_mask": torch.tensor([[0, 0] + [1] * 6] * 2),
    }
    torch.testing.assert_close(classifier(**padded).logits, classifier(**inputs).logits, **CLOSE)


def test_a_pretrained_model_becomes_a_classifier_with_a_fresh_layer_and_no_noise(tmp_path):
    pretrained = tiny_model()
    pretrained.save_pretrained(tmp_path)
    logging.set_verbosity_warning()  # the command, tested in the same process, silences it
    with CaptureLogger(logging.get_logger("transformers.modeling_utils")) as log:
        model = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=4)
    assert type(model) is GETForSequenceClassification
    assert model.classifier.out_features == 4
    for name, weight in model.backbone.state_dict().items():
        assert torch.equal(weight, pretrained.backbone.state_dict()[name]), name
    assert "flow_head" not in log.out
    assert "classifier.weight" in log.out  # that it is fresh is worth a word


def test_a_classifier_survives_saving_and_loading(classifier, tmp_path):
    classifier.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded(**tiny_inputs()).logits, classifier(**tiny_inputs()).logits)


def test_another_number_of_classes_is_refused_unless_a_fresh_layer_is_wanted(classifier, tmp_path):
    classifier.save_pretrained(tmp_path)
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        GETForSequenceClassification.from_pretrained(tmp_path, num_labels=5)
    fresh = GETForSequenceClassification.from_pretrained(tmp_path, num_labels=5, ignore_mismatched_sizes=True)
    assert fresh.classifier.out_features == 5
    assert torch.equal(fresh.backbone.norm.weight, classifier.backbone.norm.weight)
