# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The table of adaptation to a new person."""

import numpy as np
import pytest
import torch

from classifiers import save_classifier, small_classifier
from get_hf.training.corpora import get_corpus


def person(model, seed=0):
    """Features of 60 trials that differ by class in a tenth of the features, which the classifier does not know."""
    generator = torch.Generator().manual_seed(seed)
    labels = np.arange(60) % 2
    features = torch.randn(60, model.classifier.in_features, generator=generator)
    features[:, ::10] += 2.0 * torch.from_numpy(labels)[:, None] - 1
    return features, labels


def test_own_trials_teach_what_the_classifier_does_not_know(adaptation):
    model = small_classifier()
    features, labels = person(model)
    found = adaptation.after_labels(model, features, labels, 20, draws=4, seed=0)
    assert found["own trials alone"] > found["unchanged"] + 0.2
    assert found["own trials alone"] > 0.8


def test_the_classifier_is_the_same_afterwards(adaptation):
    model = small_classifier()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adaptation.after_labels(model, *person(model), 10, draws=2, seed=0)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_labels_that_say_nothing_teach_nothing(adaptation):
    model = small_classifier()
    features, labels = person(model)
    labels = labels[np.random.default_rng(1).permutation(60)]
    found = adaptation.after_labels(model, features, labels, 20, draws=20, seed=0)
    assert found["own trials alone"] == pytest.approx(0.5, abs=0.15)


def test_trials_begin_at_their_cue(adaptation, data_dir):
    recordings = get_corpus("eegmmidb").recordings(data_dir, "validation")
    recording = next(one for one in recordings if one.session == "R04")
    epochs, labels = adaptation.trials_of(recording, {"left_fist": 0, "right_fist": 1}, 4.0)
    raw = recording.open()
    assert labels.tolist() == [0, 1]
    assert ((epochs.events[:, 0] - raw.first_samp) / raw.info["sfreq"]).tolist() == [4.2, 12.5]
    np.testing.assert_array_equal(epochs.get_data()[1], raw.get_data(start=2000, stop=2640))


def test_the_table_is_written_into_a_document(adaptation, data_dir, tmp_path):
    checkpoint = save_classifier(tmp_path / "small", id2label={0: "left_fist", 1: "right_fist"})
    result = adaptation.run(str(checkpoint), data_dir, "validation", draws=1)
    assert [key for key in result["rows"] if key.startswith("0")] == [
        f"0 | calibrated on {policy}" for policy in adaptation.POLICIES
    ]  # two trials are too few to label any
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- adaptation:begin -->\nold\n<!-- adaptation:end -->\nafter\n")
    table = adaptation.table_of(result)
    adaptation.write(document, "")
    assert "old" in document.read_text()
    adaptation.write(document, table)
    text = document.read_text()
    assert "| 0 | calibrated on first minute |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")
    document.write_text("no marks")
    with pytest.raises(ValueError, match=r"page\.md has no place for the adaptation"):
        adaptation.write(document, table)
