# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The pipelines on rows and columns of datasets and in batches, and without a model."""

import json

import mne
import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import pipeline
from transformers.pipelines.pt_utils import KeyDataset

from get_hf import CHECKPOINT, GETFeatureExtractor, GETForSequenceClassification, GETModel, save_recording
from small import NAMES, RATE, as_raw, signal, small_config

ARRAY = {"sampling_rate": RATE, "ch_names": NAMES, "unit": "uV"}
OPTIONS = {"seconds": 1, "seed": 0, "output": "array"}
#: Lengths in seconds and numbers of channels of a few recordings.
SHAPES = [(3.0, 4), (2.0, 2), (4.0, 3)]


@pytest.fixture(scope="module")
def generate(small_checkpoint):
    return pipeline("eeg-generation", model=str(small_checkpoint))


@pytest.fixture(scope="module")
def classify():
    torch.manual_seed(0)
    model = GETForSequenceClassification(small_config(num_labels=3))
    model.classifier.weight.data.normal_()
    return pipeline("eeg-classification", model=model, feature_extractor=GETFeatureExtractor())


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return [
        {"array": signal(seconds, n, seed=seed), "sampling_rate": RATE, "ch_names": NAMES[:n], "unit": "uV"}
        for seed, (seconds, n) in enumerate(SHAPES)
    ]


@pytest.fixture(scope="module")
def dataset(rows) -> Dataset:
    return Dataset.from_list([{"eeg": row | {"array": row["array"].tolist()}, "subject": "S001"} for row in rows])


class TestRows:
    def test_a_row_says_what_the_arguments_would(self, generate, rows):
        (of_row,) = generate(rows[0], **OPTIONS)
        (of_array,) = generate(rows[0]["array"], **ARRAY, **OPTIONS)
        np.testing.assert_array_equal(of_row, of_array)

    def test_an_argument_says_what_a_row_does_not(self, generate, rows):
        bare = {"array": rows[0]["array"], "sampling_rate": RATE, "unit": None, "path": "S001R01.edf"}
        (made,) = generate(bare, ch_names=NAMES, unit="uV", **OPTIONS)
        np.testing.assert_array_equal(made, generate(rows[0], **OPTIONS)[0])

    @pytest.mark.parametrize(
        ("change", "options", "expected"),
        [
            ({"sampling_rate": None}, {}, "has no sampling rate of its own"),
            ({"unit": None}, {}, "unit must be declared"),
            (
                {"array": None},
                {},
                "mapping with array and sampling_rate, not with sampling_rate, ch_names, unit: give",
            ),
            ({}, {"sampling_rate": 100}, "sampling_rate=100 contradicts the row's own 160.0"),
            ({}, {"ch_names": NAMES[::-1]}, "ch_names=.* contradicts the row's own"),
        ],
    )
    def test_a_row_that_says_too_little_or_is_contradicted_is_refused(self, generate, rows, change, options, expected):
        with pytest.raises(ValueError, match=expected):
            generate(rows[0] | change, **options, **OPTIONS)

    def test_columns_and_datasets_give_the_same_as_their_rows(self, generate, dataset, rows):
        expected = [generate(row, **OPTIONS)[0] for row in rows]
        of_column, of_list = generate(dataset["eeg"], **OPTIONS), generate(rows, **OPTIONS)
        of_key, of_dataset = (
            generate(KeyDataset(dataset, "eeg"), **OPTIONS),
            generate(Dataset.from_list(list(dataset["eeg"])), **OPTIONS),
        )
        assert isinstance(of_column, list)
        for made in (of_column, of_list, list(of_key), list(of_dataset)):
            for (each,), alone in zip(made, expected, strict=True):
                np.testing.assert_allclose(each, alone, atol=1e-4)

    def test_a_classifier_reads_them_too(self, classify, dataset, rows):
        found = classify(dataset["eeg"])
        assert [each[0]["label"] for each in found] == [classify(row)[0]["label"] for row in rows]


class TestBatchSize:
    def test_recordings_of_different_shapes_in_one_batch_give_the_same_as_alone(self, generate, rows, monkeypatch):
        alone = [generate(row, num_return_sequences=2, **OPTIONS) for row in rows]
        sizes, original = [], GETModel.generate
        monkeypatch.setattr(
            GETModel, "generate", lambda self, **kw: sizes.append(len(kw["input_values"])) or original(self, **kw)
        )
        together = generate(rows, batch_size=2, num_return_sequences=2, **OPTIONS)
        assert sizes == [2, 1]
        for made, expected in zip(together, alone, strict=True):
            for row, own in zip(made, expected, strict=True):
                np.testing.assert_allclose(row, own, atol=1e-2 * np.abs(own).max())

    def test_files_epochs_and_arrays_of_several_go_together(self, generate, tmp_path):
        batch = np.stack([signal(seed=seed) for seed in range(3)])
        save_recording(as_raw(batch[0]), tmp_path / "one.fif")
        save_recording(as_raw(batch[1, :2], NAMES[:2]), tmp_path / "two.edf")
        epochs = mne.EpochsArray(1e-6 * batch, mne.create_info(NAMES, RATE, "eeg"), verbose="error")
        given = [tmp_path / "one.fif", str(tmp_path / "two.edf"), epochs]
        one, two, of_epochs = generate(given, seconds=1, batch_size=3, output="epochs")
        assert [len(each.ch_names) for (each,) in (one, two, of_epochs)] == [4, 2, 4]
        assert len(of_epochs[0]) == 3

    def test_it_may_be_given_to_the_constructor_of_the_pipeline(self, small_checkpoint, dataset, generate):
        batched = pipeline("eeg-generation", model=str(small_checkpoint), batch_size=4)
        made = list(batched(KeyDataset(dataset, "eeg"), **OPTIONS))
        assert [row[0].shape for row in made] == [row[0].shape for row in generate(dataset["eeg"], **OPTIONS)]

    def test_classes_are_the_same_together_and_alone(self, classify, rows):
        together = classify(rows, batch_size=3)
        for found, row in zip(together, rows, strict=True):
            scores = {each["label"]: each["score"] for each in found}
            assert scores == pytest.approx({each["label"]: each["score"] for each in classify(row)}, abs=1e-4)


def test_without_a_model_the_shipped_checkpoint_generates(tmp_path):
    generate = pipeline("eeg-generation")
    assert generate.model.config.to_dict() == GETModel.from_pretrained(CHECKPOINT).config.to_dict()
    assert generate(ch_names=["O1", "O2"], seconds=0.5, output="array")[0].shape == (2, 50)
    generate.save_pretrained(tmp_path)
    assert str(CHECKPOINT) not in json.dumps(json.loads((tmp_path / "config.json").read_text()))
