# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The pipelines of generation, classification and features, on files, MNE objects and arrays."""

import mne
import numpy as np
import pytest
import torch
from transformers import pipeline

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel, save_recording
from get_hf.modeling.pipeline_get import EEGGenerationPipeline
from small import NAMES, RATE, as_raw, signal, small_config

ARRAY = {"sampling_rate": RATE, "ch_names": NAMES, "unit": "uV"}


@pytest.fixture(scope="module")
def generate(small_checkpoint):
    return pipeline("eeg-generation", model=str(small_checkpoint))


@pytest.fixture(scope="module")
def classify(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(0)
    labels = {0: "eyes_open", 1: "eyes_closed", 2: "rest"}
    model = GETForSequenceClassification(small_config(num_labels=3, id2label=labels))
    model.classifier.weight.data.normal_()
    model.save_pretrained(folder)
    GETFeatureExtractor().save_pretrained(folder)
    return pipeline("eeg-classification", model=str(folder))


def test_it_gives_what_its_parts_give(generate):
    raw = as_raw(signal())
    (continued,) = generate(raw, seconds=2, seed=3)
    features = generate.feature_extractor(raw, context_seconds=generate.model.config.context_seconds)
    expected = generate.model.generate(**features, seconds=2, generator=torch.Generator().manual_seed(3))
    (expected,) = generate.feature_extractor.decode(expected, features)
    assert isinstance(continued, mne.io.RawArray)
    np.testing.assert_array_equal(continued.get_data(), expected.get_data())
    assert list(continued.annotations.description) == ["GET generated"]


def test_files_mne_objects_and_arrays_give_the_same_continuation(generate, tmp_path):
    raw = as_raw(signal())
    save_recording(raw, tmp_path / "recording.fif")
    options = {"seconds": 1, "seed": 0, "output": "array", "include_prompt": False}
    (of_raw,) = generate(raw, **options)
    (of_array,) = generate(signal(), **ARRAY, **options)
    assert of_raw.shape == (4, RATE)
    np.testing.assert_allclose(of_array, of_raw, atol=1e-4)
    for path in (tmp_path / "recording.fif", str(tmp_path / "recording.fif")):
        (of_file,) = generate(path, **options)
        np.testing.assert_allclose(of_file, of_raw, atol=1e-2)  # FIF keeps single precision


def test_a_list_gives_the_results_of_its_items(generate):
    recordings = [signal(seed=0), signal(3.0, seed=1)]
    options = ARRAY | {"seconds": 1, "seed": 0, "output": "array"}
    together = generate(recordings, **options)
    assert [[row.shape for row in rows] for rows in together] == [[(4, 7 * RATE)], [(4, 4 * RATE)]]
    np.testing.assert_array_equal(together[1][0], generate(recordings[1], **options)[0])


def test_epochs_and_batches_run_together(generate):
    batch = np.stack([signal(seed=seed) for seed in range(3)])
    assert len(generate(batch, **ARRAY, seconds=1, output="array")) == 3
    epochs = mne.EpochsArray(1e-6 * batch, mne.create_info(NAMES, RATE, "eeg"), verbose="error")
    made = generate(epochs, seconds=1, num_return_sequences=2, output="epochs")
    assert [each.get_data().shape for each in made] == [(6, 4, 7 * RATE)]
    assert made[0].metadata["generated_draw"].tolist() == [0, 1] * 3


def test_it_generates_from_nothing_with_a_condition_and_several_draws(generate):
    rows = generate(ch_names=NAMES, condition="eyes_closed", seconds=1, num_return_sequences=2, guidance_scale=2.0)
    assert [row.get_data().shape for row in rows] == [(4, 100), (4, 100)]
    assert not np.array_equal(rows[0].get_data(), rows[1].get_data())


def test_a_recording_in_one_condition_goes_on_in_others(generate):
    plan = [("eyes_open", 0.5), ("left_fist", 1)]
    features = generate.preprocess(signal(), **ARRAY, condition="rest", next_condition=plan)
    assert features["condition_ids"].tolist() == [[1] * 16 + [2, 2, 4]]
    # of a plan the model reads what there are patches for
    begun = features | {"condition_ids": features["condition_ids"][:, :17]}
    hidden, expected = (generate.model(**inputs).last_hidden_state for inputs in (features, begun))
    torch.testing.assert_close(hidden, expected)
    options = ARRAY | {"condition": "rest", "seconds": 2, "seed": 0, "output": "array", "include_prompt": False}
    (rest,) = generate(signal(), **options)
    (other,) = generate(signal(), **options, next_condition=plan)
    assert np.abs(rest - other).max() > 0.1


def test_from_nothing_of_several_people(generate):
    rows = generate(ch_names=NAMES, person=[2, None, 2], seconds=1, output="array", do_sample=False)
    np.testing.assert_array_equal(rows[0], rows[2])
    assert np.abs(rows[0] - rows[1]).max() > 0.1 * np.abs(rows[1]).max()


def test_options_may_be_given_to_the_constructor(small_checkpoint):
    generate = pipeline(
        "eeg-generation", model=str(small_checkpoint), seconds=1, output="array", local_files_only=True
    )
    assert generate(signal(), **ARRAY)[0].shape == (4, 7 * RATE)


def test_it_reads_no_more_than_the_model_can_remember(generate):
    config = generate.model.config
    features = generate.preprocess(signal(20.0), **ARRAY)
    assert config.context_seconds == 4.0
    assert features["input_values"].shape[-1] == (4.0 * config.sampling_rate) + config.patch_size
    assert generate.preprocess(signal(20.0), **ARRAY, context_seconds=1)["input_values"].shape[-1] == 125


@pytest.mark.parametrize(
    ("options", "error", "expected"),
    [
        ({"seconds": 1, "top_k": 5}, ValueError, "does not know top_k"),
        ({"seconds": 1, "tempperature": 5}, ValueError, "tempperature"),
        ({"seconds": 1, "condition": "asleep"}, ValueError, "not a condition"),
    ],
)
def test_the_pipeline_refuses_options_that_generate_does_not_know(generate, options, error, expected):
    with pytest.raises(error, match=expected):
        generate(signal(), **ARRAY, **options)


def test_a_model_and_the_extractor_of_another_are_refused(small_checkpoint):
    model = GETModel.from_pretrained(small_checkpoint)
    with pytest.raises(ValueError, match="patch_size is 25 and the feature extractor's is 20"):
        pipeline("eeg-generation", model=model, feature_extractor=GETFeatureExtractor(patch_size=20))
    with pytest.raises(ValueError, match="needs the model's feature extractor"):
        EEGGenerationPipeline(model=model)


def test_classes_come_with_their_probability_the_likeliest_first(classify):
    found = classify(as_raw(signal()))
    with torch.no_grad():
        logits = classify.model(**classify.feature_extractor(as_raw(signal()))).logits[0]
    expected = dict(zip(("eyes_open", "eyes_closed", "rest"), logits.softmax(0).tolist(), strict=True))
    assert {entry["label"]: entry["score"] for entry in found} == pytest.approx(expected)
    assert [entry["score"] for entry in found] == sorted(expected.values(), reverse=True)
    assert classify(as_raw(signal()), top_k=1) == found[:1]


def test_classification_of_several(classify, tmp_path):
    batch = np.stack([signal(seed=seed) for seed in range(3)])
    rows = classify(batch, **ARRAY)
    assert [len(row) for row in rows] == [3, 3, 3]
    each = classify(list(batch), **ARRAY)
    for row, alone in zip(rows, each, strict=True):
        assert [entry["label"] for entry in row] == [entry["label"] for entry in alone]
    save_recording(as_raw(batch[0]), tmp_path / "recording.fif")
    assert classify(tmp_path / "recording.fif")[0]["label"] == each[0][0]["label"]


def test_classes_that_do_not_exclude_each_other_have_a_probability_each(classify):
    classify.model.config.problem_type = "multi_label_classification"
    try:
        scores = [entry["score"] for entry in classify(as_raw(signal()))]
    finally:
        classify.model.config.problem_type = None
    assert sum(scores) != pytest.approx(1.0)
    assert all(0 < score < 1 for score in scores)


def test_classification_refuses_unknown_arguments(classify):
    with pytest.raises(ValueError, match=r"no argument seconds; it has sampling_rate.*, top_k, windows"):
        classify(as_raw(signal()), seconds=3)


@pytest.fixture(scope="module")
def embed(small_checkpoint):
    return pipeline("eeg-feature-extraction", model=str(small_checkpoint))


def test_features_are_those_that_a_classifier_of_the_same_checkpoint_reads(embed):
    found = embed(as_raw(signal()))
    expected = embed.model.embed(**embed.feature_extractor(as_raw(signal())))[0]
    assert (found.shape, found.dtype) == ((embed.model.config.num_classifier_features,), np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    batch = np.stack([signal(seed=seed) for seed in range(3)])
    rows = embed(batch, **ARRAY, calibrate_on="all")
    together = embed.model.embed(**embed.feature_extractor(batch, **ARRAY, calibrate_on="all"))
    np.testing.assert_allclose(np.stack(rows), together, atol=1e-4)


def test_features_of_windows_and_their_mean(embed):
    windows = embed(as_raw(signal()), window_seconds=2, windows=True)
    assert windows.shape == (3, embed.model.config.num_classifier_features)
    np.testing.assert_allclose(embed(as_raw(signal()), window_seconds=2), windows.mean(0), atol=1e-5)


def test_a_generator_has_no_features_until_it_is_loaded_as_a_classifier(small_checkpoint):
    with pytest.raises(ValueError, match="needs a GETForSequenceClassification, not a GETModel"):
        pipeline(
            "eeg-feature-extraction",
            model=GETModel.from_pretrained(small_checkpoint),
            feature_extractor=GETFeatureExtractor.from_pretrained(small_checkpoint),
        )
