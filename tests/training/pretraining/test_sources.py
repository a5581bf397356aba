# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import shutil

import datasets
import numpy as np
import pytest

from get_hf.processing.conditions_get import CONDITIONS
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.corpora import CORPORA, get_corpus
from get_hf.training.data.sources import open_sources
from get_hf.training.pretraining.crops import CropConfig, MixedCrops, RandomCrops
from get_hf.training.pretraining.sources import (
    first_segments,
    fitting_segments,
    heard_conditions,
    random_crops,
)

CONFIG = CropConfig(
    crop_seconds=3.0,
    max_channels=6,
    full_montage_probability=1.0,
    same_montage_size=2,
    max_history_seconds=2.0,
)
EXTRACTOR = GETFeatureExtractor()


@pytest.fixture(scope="module")
def sources(prepared_folder, other_folder, cache_dir):
    return open_sources({str(prepared_folder): 3, str(other_folder): 1}, cache_dir=cache_dir)


@pytest.fixture(scope="module")
def streamed(prepared_folder, other_folder):
    return open_sources({str(prepared_folder): 3, str(other_folder): 1}, streaming=True)


def crops_of(sources, n_crops=200, split="train", **changes):
    return random_crops(sources, split, EXTRACTOR, dataclasses.replace(CONFIG, **changes), n_crops, seed=1)


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def is_other(crop) -> bool:
    """The other corpus has three channels, one of them bipolar; EEGMMIDB has seven or eight."""
    return len(crop["channel_positions"]) == 3


def test_corpora_of_other_montages_and_rates_mix_by_weight(sources):
    crops = crops_of(sources)
    share = np.mean([is_other(crops[i]) for i in range(200)])
    assert 0.13 < share < 0.37
    shapes = {crops[i]["input_values"].shape for i in range(20)}
    assert shapes == {(6, 13 * 25), (3, 13 * 25)}  # of 160 and of 256 Hz, 3 s at 100 Hz
    bipolar = next(crops[i] for i in range(200) if is_other(crops[i]))["channel_positions"]
    assert bipolar[:, 3:].any(-1).sum() == 1


def test_with_equal_people_a_corpus_weighs_as_many_times_as_it_has_people(sources):
    mixed = crops_of(sources, equal_people=True)
    people = [each.n_people for each in mixed.crops]
    assert people == [len(source.subjects["train"]) for source in sources]
    expected = np.cumsum([3 * people[0], people[1]]) / (3 * people[0] + people[1])
    np.testing.assert_allclose(mixed.cumulative_weight, expected)
    np.testing.assert_allclose(crops_of(sources).cumulative_weight, [0.75, 1.0])
    fitted = fitting_segments(sources, 8, equal_people=True)
    assert len(set(fitted["corpus"])) == 2


def test_known_conditions_are_those_of_training_segments_with_positive_weight(sources, streamed):
    ids = {i for source in sources for row in source.splits["train"]["conditions"] for i in row}
    held = [name for i, name in enumerate(CONDITIONS) if i in ids - {0}]
    assert {"eyes_open", "eyes_closed"} <= set(held)
    for of in (sources, streamed):
        assert heard_conditions(of, {}, CONDITIONS) == held
        assert heard_conditions(of, {"eyes_open": 0.0, "rest": 2.0}, CONDITIONS) == [
            name for name in held if name != "eyes_open"
        ]


def test_crops_that_share_their_number_of_channels_are_of_one_corpus(sources):
    crops = crops_of(sources, same_montage_size=4)
    kinds = np.reshape([is_other(crops[i]) for i in range(80)], (20, 4))
    assert (kinds.all(1) | ~kinds.any(1)).all()
    assert 0 < kinds[:, 0].sum() < 20


def test_a_crop_of_a_mixture_is_a_function_of_seed_and_index_alone(sources):
    long, short = crops_of(sources, 1000), crops_of(sources, 10)
    for index in (9, 0, 4):
        assert_same(long[index], short[index])
    assert len(short) == 10
    assert_same(short[-1], short[9])
    with pytest.raises(IndexError):
        short[10]


def test_a_corpus_alone_has_the_crops_it_has_without_mixtures(sources):
    (one,) = (source for source in sources if source.corpus == "eegmmidb")
    crops = crops_of([one])
    assert type(crops) is RandomCrops
    expected = RandomCrops(one.splits["train"], EXTRACTOR, CONFIG, 200, seed=1)
    assert_same(crops[7], expected[7])
    # and so have the crops of a mixture that are of it
    mixed = crops_of(sources)
    index = next(i for i in range(200) if not is_other(mixed[i]))
    assert_same(mixed[index], expected[index])


def test_prepared_or_built_the_crops_are_the_same(sources, data_dir, cache_dir, monkeypatch):
    monkeypatch.setattr("get_hf.training.data.segments.EEGSegmentsConfig.segment_seconds", 6.0)
    prepare = "get_hf.training.data.sources.prepare_segments"
    original = open_sources.__globals__["prepare_segments"]
    monkeypatch.setattr(prepare, lambda *args, **kwargs: original(*args, segment_seconds=6.0, **kwargs))
    (built,) = open_sources({"eegmmidb": 1.0}, data_dir=data_dir, cache_dir=cache_dir)
    prepared = sources[0]
    assert built.subjects == prepared.subjects
    assert sorted(built.problems) == sorted(prepared.problems)
    for index in range(3):
        assert_same(crops_of([built])[index], crops_of([prepared])[index])


def test_a_split_is_of_the_corpora_that_have_it(sources, streamed):
    for both in (sources, streamed):
        crops = crops_of(both, 12, "validation")
        assert type(crops) is RandomCrops
        assert not any(is_other(crops[i]) for i in range(12))


def test_the_transform_is_fitted_to_each_corpus_by_its_weight(sources, streamed):
    for both in (sources, streamed):
        chosen = fitting_segments(both, 12)
        assert (np.asarray(chosen["n_times"]) > 0).all()
        assert chosen["n_chans"].count(3) == pytest.approx(3, abs=1)
        assert len(chosen) == pytest.approx(12, abs=2)
    spread = fitting_segments(sources[:1], 8)
    assert len(set(zip(spread["subject"], spread["session"], strict=True))) == 8  # all but the broken one


def test_the_first_segments_of_a_stream_are_of_all_its_shards(streamed):
    stream = streamed[0].splits["train"]
    few, many = first_segments(stream, 4), first_segments(stream, 1000)
    assert len(few) == 4
    assert len(set(zip(few["subject"], few["session"], strict=True))) == 4
    usable = sum(row["n_times"] > 0 for row in stream)
    assert len(many) == usable
    with pytest.raises(ValueError, match="none of the recordings in the first"):
        first_segments(stream.filter(lambda row: row["n_times"] == 0), 3)


def test_streaming_needs_what_is_prepared(data_dir):
    with pytest.raises(ValueError, match="eegmmidb is not one: get-hf corpus prepare eegmmidb --out FOLDER"):
        open_sources({"eegmmidb": 1}, streaming=True, data_dir=data_dir)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("eegmidb", r"no corpus .*eegmmidb"),
        ("", r"no corpus .*eegmmidb"),
        ("/no/folder", "no folder /no/folder: get-hf"),
    ],
)
def test_an_unknown_name_is_one_sentence(name, message):
    with pytest.raises(ValueError, match=message):
        open_sources({name: 1})


def changed(folder, out, **changes):
    shutil.copytree(folder, out)
    info = json.loads((out / "dataset_info.json").read_text())
    (out / "dataset_info.json").write_text(json.dumps(info | changes))
    return {str(out): 1.0}


def test_a_corpus_prepared_for_another_model_is_refused(other_folder, tmp_path):
    with pytest.raises(ValueError, match=r"at 100 Hz for patches of 25 samples, and the model is of 128 Hz"):
        open_sources({str(other_folder): 1}, sampling_rate=128.0)
    with pytest.raises(ValueError, match="numbers its conditions in another way"):
        open_sources(changed(other_folder, tmp_path / "new", conditions=["none", "asleep"]))


def test_missing_training_people_are_reported(other_folder, tmp_path):
    out = tmp_path / "out"
    weights = changed(other_folder, out)
    for path in (out / "data").glob("train-*"):
        path.rename(path.with_name(path.name.replace("train", "test")))
    with pytest.raises(ValueError, match="has no recording of a training subject"):
        open_sources(weights, cache_dir=tmp_path / "cache")


def test_a_person_in_training_and_validation_is_refused(prepared_folder, other_folder, cache_dir, monkeypatch):
    other = str(other_folder)
    corpus = json.loads((other_folder / "dataset_info.json").read_text())["corpus"]
    person = {"anna": "eegmmidb/S080"}
    twin = dataclasses.replace(get_corpus(corpus), person=lambda subject: person.get(subject, f"other/{subject}"))
    monkeypatch.setitem(CORPORA, corpus, twin)
    monkeypatch.setattr("get_hf.training.data.splits.get_corpus", lambda name: CORPORA[name])
    with pytest.raises(ValueError, match="anna in train and eegmmidb S080 in validation are one person"):
        open_sources({str(prepared_folder): 1, other: 1}, cache_dir=cache_dir)


def test_mixed_lists_are_as_long_as_each(sources):
    assert isinstance(crops_of(sources), MixedCrops)
    assert isinstance(sources[0].splits["train"], datasets.Dataset)
    assert sources[0].people("test") == [("eegmmidb", "S090")]
    assert sources[1].people("test") == []
