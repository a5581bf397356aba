# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`return_tensors=` and `pad`, the idioms of transformers by which features are made into batches."""

import numpy as np
import pytest
import torch

from get_hf.processing.features_get import EEGFeatures
from small import NAMES, PATCH, RATE, assert_same, continued, signal


@pytest.fixture
def apart(read) -> list[EEGFeatures]:
    """Two recordings, the second one shorter and of fewer channels, prepared one by one."""
    plan = [("eyes_open", 1), ("rest", 1)]
    return [read(signal(seed=0)), read(signal(3.0, 2, seed=1), ch_names=NAMES[:2], next_condition=plan)]


class TestReturnTensors:
    def test_pt_is_what_there_is_without_it(self, read):
        features = read(signal(), return_tensors="pt")
        assert_same(features, read(signal()), atol=0)
        assert all(isinstance(value, torch.Tensor) for value in features.values())

    def test_np_gives_arrays_of_the_same_numbers_that_can_be_decoded(self, extractor, read):
        arrays, tensors = read(signal(), return_tensors="np"), read(signal())
        assert all(isinstance(value, np.ndarray) for value in arrays.values())
        assert [arrays[name].dtype.name for name in ("input_values", "channel_mask")] == ["float32", "int64"]
        assert_same(arrays, tensors, atol=0)
        made = continued(tensors)
        (first,), (second,) = (extractor.decode(made, features, "array") for features in (arrays, tensors))
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("other", ["tf", "jax", "", "PT", 3, ["pt"]])
    def test_other_kinds_are_refused(self, extractor, read, other):
        for call in (lambda: read(signal(), return_tensors=other), lambda: extractor.pad([], return_tensors=other)):
            with pytest.raises(ValueError, match=r'return_tensors must be "pt" \(torch\) or "np" \(NumPy\), not'):
                call()


class TestPad:
    def test_recordings_prepared_one_by_one_equal_those_prepared_together(self, extractor, read, apart):
        given = {"sampling_rate": RATE, "unit": "uV"}
        first = extractor([signal(seed=0), signal(3.0, seed=1)], **given, ch_names=NAMES)
        assert_same(extractor.pad([read(signal(seed=0)), read(signal(3.0, seed=1))]), first, atol=0)
        assert list(extractor.pad(apart)) == extractor.model_input_names

    def test_channels_are_padded_at_the_end_and_patches_at_the_left(self, extractor, apart):
        batch = extractor.pad(apart)
        n_times = 13 * PATCH  # the start patch and 3 s
        assert batch["input_values"].shape == (2, 4, 25 * PATCH)
        assert torch.equal(batch["input_values"][1, :2, -n_times:], apart[1]["input_values"][0])
        assert not batch["input_values"][1, 2:].any()
        assert not batch["input_values"][1, :, :-n_times].any()
        assert batch["channel_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
        assert batch["attention_mask"].tolist() == [[1] * 25, [0] * 12 + [1] * 13]
        assert batch["noise_seed"].tolist() == [*apart[0]["noise_seed"], *apart[1]["noise_seed"]]

    def test_plans_go_on_from_where_each_recording_ends(self, extractor, apart):
        first, second = extractor.pad(apart)["condition_ids"].tolist()
        assert first == [0] * 29
        assert second == [0] * 24 + [2] * 4 + [1]

    def test_a_padded_batch_is_decoded_per_recording(self, extractor, apart):
        batch = extractor.pad(apart)
        decoded = extractor.decode(continued(batch), batch, "array")
        assert [row.shape for row in decoded] == [(4, 8 * RATE), (2, 5 * RATE)]

    def test_batches_are_padded_too_and_tensors_stay_on_their_device(self, extractor, read, apart):
        two = read(np.stack([signal(), signal(seed=1)]))
        assert len(extractor.pad([two, apart[1]])["input_values"]) == 3
        assert extractor.pad([dict(two)]).keys() == two.keys()
        assert isinstance(extractor.pad(apart, return_tensors="np")["attention_mask"], np.ndarray)

    @pytest.mark.parametrize("as_lists", [True, False])
    def test_rows_of_a_dataset_with_and_without_the_batch_axis(self, extractor, apart, as_lists):
        expected = extractor.pad(apart)
        for rows in (apart, [{name: value[0] for name, value in each.items()} for each in apart]):
            plain = [{name: value.tolist() if as_lists else value.numpy() for name, value in r.items()} for r in rows]
            padded = extractor.pad([row | {"subject": "S001", "session": None} for row in plain])
            assert_same(padded, expected, atol=0)
            assert {value.dtype for value in padded.values()} == {torch.float32, torch.int64}

    @pytest.mark.parametrize(
        ("labels", "expected", "dtype"),
        [
            ([2, 0], [2, 0], torch.int64),
            ([0.5, 1.5], [0.5, 1.5], torch.float32),
            ([[0.0, 1.0], [1.0, 1.0]], [[0, 1], [1, 1]], torch.float32),
            ([np.int64(1), np.int64(0)], [1, 0], torch.int64),
            ([torch.tensor([1]), torch.tensor([0])], [1, 0], torch.int64),
        ],
    )
    def test_labels_are_kept(self, extractor, apart, labels, expected, dtype):
        for name in ("label", "labels"):
            rows = [{**each, name: label} for each, label in zip(apart, labels, strict=True)]
            padded = extractor.pad(rows)["labels"]
            assert padded.tolist() == expected
            assert padded.dtype == dtype

    def test_labels_that_are_signals_are_padded_as_the_signals_are(self, extractor, apart):
        batch = extractor.pad([{**each, "labels": each["input_values"]} for each in apart])
        assert torch.equal(batch["labels"], batch["input_values"])

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (lambda rows: [], "a list of at least one"),
            (lambda rows: rows[0], "put them in a list"),
            (lambda rows: ["a.edf"], "not str"),
            (lambda rows: [{"array": [[1.0]], "path": "a.edf"}], "holds input_values, not array, path"),
            (lambda rows: [rows[0], {**rows[1], "labels": 1}], "Some of the features hold labels and some do not"),
            (lambda rows: [{**row, "labels": [1.0] * n} for n, row in enumerate(rows, 2)], "do not stack"),
            (lambda rows: [{**rows[0], "input_values": torch.zeros(1, 4, 26)}], "in whole patches of 25 samples, not"),
            (lambda rows: [{**rows[0], "input_values": torch.zeros(2, 4, 25)}], "hold 2 recordings, but not all"),
            (lambda rows: [{**rows[0], "labels": "rest"}], "labels of the features must be numbers"),
            (lambda rows: [{**rows[0], "calibration": [[1.0], [1.0, 2.0]]}], "calibration of the features must be"),
        ],
    )
    def test_contradicting_arguments_are_refused(self, extractor, apart, change, expected):
        with pytest.raises(ValueError, match=expected):
            extractor.pad(change(apart))
