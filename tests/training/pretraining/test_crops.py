# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.montage_get import channel_positions
from get_hf.training.pretraining.crops import CropConfig, RandomCrops, collate_crops
from get_hf.training.pretraining.population import fit_to_segments

CONFIG = CropConfig(
    crop_seconds=4.0,
    max_channels=6,
    max_history_seconds=4.0,
    condition_dropout=0.0,
)
PATCH, PATCHES = 25, 16


@pytest.fixture(scope="module")
def extractor(prepared):
    return fit_to_segments(prepared["train"].filter(lambda n_times: n_times > 0, input_columns="n_times"))


@pytest.fixture(scope="module")
def crops_of(prepared, extractor):
    def make(n_crops=40, seed=1, **changes):
        config = dataclasses.replace(CONFIG, **changes)
        return RandomCrops(prepared["train"], extractor, config, n_crops, seed)

    return make


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def test_a_crop_is_a_function_of_seed_and_index_alone(crops_of):
    crops = crops_of()
    first = [crops[i] for i in range(6)]
    elsewhere = pickle.loads(pickle.dumps(crops_of(n_crops=1000)))
    for index in (5, 0, 3, 1):
        assert_same(elsewhere[index], first[index])
    other = crops_of(seed=2)[0]
    assert other["input_values"].shape != first[0]["input_values"].shape or not np.array_equal(
        other["input_values"], first[0]["input_values"]
    )


def test_loader_workers_change_nothing(crops_of):
    crops = crops_of(n_crops=8)
    alone = list(DataLoader(crops, batch_size=4, collate_fn=collate_crops))
    by_two = list(DataLoader(crops, batch_size=4, collate_fn=collate_crops, num_workers=2))
    for a, b in zip(alone, by_two, strict=True):
        assert_same(a, b)


def test_a_crop_has_a_start_patch_then_its_patches(crops_of):
    crop = crops_of()[0]
    n_chans = len(crop["channel_positions"])
    for key, size in (("input_values", PATCH), ("labels", PATCH), ("noise", GETConfig().noise_size)):
        assert crop[key].shape == (n_chans, (1 + PATCHES) * size)
        assert crop[key].dtype == np.float32
    assert not crop["input_values"][:, :PATCH].any()
    assert crop["calibration"].shape == (n_chans, 27)
    assert crop["condition_ids"].shape == crop["flow_time"].shape == (1 + PATCHES,)
    assert 0 <= crop["flow_time"].min() < crop["flow_time"].max() < 1
    assert abs(crop["noise"].std() - 1) < 0.1


def test_every_patch_is_learnt_as_it_is_seen(crops_of):
    for crop in map(crops_of(population_probability=0.5).__getitem__, range(10)):
        np.testing.assert_array_equal(crop["labels"], crop["input_values"])


def test_a_crop_calibrates_on_all_of_its_samples_or_none(crops_of):
    told = {float(crops_of(population_probability=0.5)[index]["calibration"][0, 1]) for index in range(20)}
    assert told == {0.0, 1.0}
    calibrated, positions_alone = (crops_of(population_probability=p) for p in (0.0, 1.0))
    for index in range(10):
        # near unit variance, whatever the amplitude: the filter is its own
        assert calibrated[index]["input_values"][:, PATCH:].std() == pytest.approx(1, abs=0.15)
        assert not positions_alone[index]["calibration"].any()


def test_channels_come_in_random_number_and_order(crops_of, prepared):
    montage = channel_positions(prepared["train"][0]["ch_names"])
    numbers, orders = set(), set()
    for crop in map(crops_of().__getitem__, range(40)):
        order = [int(np.flatnonzero((montage == p).all(-1))[0]) for p in crop["channel_positions"]]
        assert len(set(order)) == len(order)
        numbers.add(len(order))
        orders.add(tuple(order) == tuple(sorted(order)))
    assert max(numbers) == 6
    assert len(numbers) > 3
    assert False in orders


def test_neighbours_share_their_number_of_channels(crops_of):
    crops = crops_of(same_montage_size=4)
    numbers = [len(crops[i]["channel_positions"]) for i in range(40)]
    assert all(len(set(numbers[i : i + 4])) == 1 for i in range(0, 40, 4))
    assert len(set(numbers)) > 1


def test_conditions_are_those_of_the_patch_that_is_predicted(prepared, extractor):
    trials = prepared["train"].filter(lambda session: session == "R04", input_columns="session")
    stored = trials[0]["conditions"]
    crops = RandomCrops(trials, extractor, CONFIG, 20, seed=1)
    for crop in map(crops.__getitem__, range(20)):
        ids = crop["condition_ids"].tolist()
        windows = [stored[i : i + 1 + PATCHES] for i in range(len(stored) - PATCHES)]
        assert ids in windows or ids[:-1] in [w[:-1] for w in windows]


def test_dropout_removes_all_conditions_of_a_crop_or_none(crops_of):
    crops = crops_of(condition_dropout=0.5, condition_weights={"none": 0.0})
    known = [(crops[i]["condition_ids"] > 0).mean() for i in range(40)]
    assert 5 < known.count(0.0) < 35
    kept = crops_of(condition_dropout=0.0)
    for i in range(10):  # dropout changes nothing else
        np.testing.assert_array_equal(crops[i]["noise"][0], crops_of(condition_dropout=0.5)[i]["noise"][0])
    assert all((kept[i]["condition_ids"] > 0).any() for i in range(10))


def test_weights_choose_conditions(crops_of):
    def eyes_closed(weight):
        crops = crops_of(condition_weights={"eyes_closed": weight})
        return np.mean([(crops[i]["condition_ids"] == 3).all() for i in range(40)])

    assert eyes_closed(0.0) == 0
    assert eyes_closed(100.0) > 0.9


def test_noise_on_the_context_spares_labels_start_and_variance(crops_of):
    noisy, clean = (crops_of(context_noise=share, population_probability=1.0) for share in (1.0, 0.0))
    spreads = []
    for index in range(10):
        a, b = noisy[index], clean[index]
        np.testing.assert_array_equal(a["labels"], b["labels"])
        assert not a["input_values"][:, :PATCH].any()
        assert not np.array_equal(a["input_values"], b["input_values"])
        spreads.append(a["input_values"].std() / b["input_values"].std())
    assert 0.7 < np.median(spreads) < 1.4


def test_collating_pads_channels_that_the_loss_does_not_see(crops_of):
    crops = crops_of()
    items = sorted((crops[i] for i in range(12)), key=lambda crop: len(crop["noise"]))
    few, many = items[0], items[-1]
    batch = collate_crops([few, many])
    assert batch["channel_mask"].sum(-1).tolist() == [len(few["noise"]), len(many["noise"])]
    assert not batch["input_values"][0, len(few["noise"]) :].any()
    assert batch["labels"].dtype == torch.float32
    config = GETConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, flow_hidden_size=16, flow_num_layers=1
    )
    model = GETModel(config)
    together = model(**batch).loss
    apart = [model(**collate_crops([item])).loss for item in (few, many)]
    torch.testing.assert_close(together, (apart[0] + apart[1]) / 2)


@pytest.mark.parametrize(
    "changes",
    [{"reference_probability": 1.0}, {"filter_probability": 1.0}, {"gain": 4.0}],
    ids=lambda each: next(iter(each)),
)
def test_other_amplifiers_change_the_signal_and_nothing_that_a_crop_needs(crops_of, changes):
    changed, usual = crops_of(**changes, population_probability=0.0), crops_of(population_probability=0.0)
    different = 0
    for index in range(20):
        a, b = changed[index], usual[index]
        assert a.keys() == b.keys()
        assert np.isfinite(a["input_values"]).all()
        assert len(a["input_values"]) == len(a["channel_positions"]) <= 6
        different += a["input_values"].shape != b["input_values"].shape or not np.allclose(
            a["calibration"], b["calibration"], atol=1e-3
        )
    assert different >= 10
    assert_same(changed[3], crops_of(**changes, population_probability=0.0)[3])


def test_innovations_stay_near_unit_variance_whatever_the_amplifier(crops_of):
    crops = crops_of(reference_probability=0.8, filter_probability=0.8, gain=4.0, population_probability=0.0)
    spreads = [crops[index]["input_values"][:, PATCH:].std() for index in range(40)]
    assert min(spreads) > 0.8
    assert max(spreads) < 1.2


def test_bipolar_crops_name_the_second_electrode(crops_of):
    crops = crops_of(60, reference_probability=1.0)
    bipolar = [crops[index]["channel_positions"][:, 3:].any() for index in range(60)]
    assert 3 < sum(bipolar) < 40
    assert not any(crops_of()[index]["channel_positions"][:, 3:].any() for index in range(20))


def test_people_are_drawn_equally_often_whatever_was_recorded_of_them(prepared, extractor):
    segments = prepared["train"].filter(lambda n_times: n_times > 0, input_columns="n_times")
    one, other = sorted(set(segments["subject"]))[:2]
    of_one = np.flatnonzero(np.array(segments["subject"]) == one)[:1]
    of_other = np.flatnonzero(np.array(segments["subject"]) == other)
    uneven = segments.select([*of_one, *np.tile(of_other, 8)])

    def share(**changes):
        crops = RandomCrops(uneven, extractor, dataclasses.replace(CONFIG, **changes), 10, seed=1)
        assert crops.n_people == 2
        return crops.cumulative_weight[0]

    assert share() < 0.2
    assert share(equal_people=True) == pytest.approx(0.5)


def test_recordings_that_cannot_be_used_are_never_drawn(prepared, extractor):
    broken = prepared["train"].filter(lambda n_times: n_times == 0, input_columns="n_times")
    assert len(broken) == 1
    with pytest.raises(ValueError, match=r"no segment is as long as a crop of 4\.0 s"):
        RandomCrops(broken, extractor, CONFIG, 1, seed=1)


def test_an_index_beyond_the_list_is_refused(crops_of):
    with pytest.raises(IndexError):
        crops_of(n_crops=3)[3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"condition_dropout": 1.5}, "condition_dropout must be between 0 and 1"),
        ({"min_channels": 0}, "min_channels"),
        ({"max_history_seconds": -1.0}, "max_history_seconds"),
        ({"condition_weights": {"rest": -1.0}}, "must not be negative"),
        ({"same_montage_size": 0}, "same_montage_size"),
        ({"reference_probability": 2.0}, "reference_probability must be between 0 and 1"),
        ({"filter_probability": -0.1}, "filter_probability must be between 0 and 1"),
        ({"gain": 0.5}, "gain must be a number from 1 on"),
        ({"gain": float("nan")}, "gain must be a number from 1 on"),
    ],
)
def test_contradictory_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **changes)


def test_a_weight_of_a_condition_that_the_extractor_lacks_is_refused(crops_of):
    with pytest.raises(ValueError, match="'sleep'; the conditions are none, rest"):
        crops_of(condition_weights={"sleep": 1.0})


def test_condition_weights_without_any_crop_are_refused(crops_of):
    names = ("none", "rest", "eyes_open", "eyes_closed", "left_fist", "right_fist", "both_fists", "feet")
    with pytest.raises(ValueError, match="every segment has weight 0"):
        crops_of(condition_weights=dict.fromkeys(names, 0.0))
