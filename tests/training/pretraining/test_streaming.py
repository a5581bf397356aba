# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from datasets.distributed import split_dataset_by_node

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.data.sources import open_sources
from get_hf.training.pretraining.crops import CropConfig, Cropper
from get_hf.training.pretraining.streaming import Passes, StreamedCrops, StreamLoader

CONFIG = CropConfig(
    crop_seconds=3.0,
    max_channels=4,
    same_montage_size=2,
    condition_dropout=0.0,
)
EXTRACTOR = GETFeatureExtractor()


@pytest.fixture(scope="module")
def streams(prepared_folder, other_folder):
    sources = open_sources({str(prepared_folder): 1, str(other_folder): 1}, streaming=True)
    return {source.corpus.partition(":")[0]: source.splits["train"] for source in sources}


@pytest.fixture
def cropped(monkeypatch):
    """Names of the segments that crops are cut of, in order."""
    names = []
    original = Cropper.crop

    def crop(self, row, *args):
        names.append(name_of(row))
        return original(self, row, *args)

    monkeypatch.setattr(Cropper, "crop", crop)
    return names


def name_of(row) -> tuple:
    return tuple(row[key][0].as_py() for key in ("corpus", "subject", "session", "start"))


def crops_of(streams, weights=(1, 1), seed=1, config=CONFIG, **settings):
    return StreamedCrops(streams, weights, Cropper(EXTRACTOR, config, 100.0), seed, **settings)


def take(crops, n):
    return list(itertools.islice(crops, n))


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a.keys() - {"place"}:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def usable(stream) -> list[tuple]:
    rows = stream.with_format("arrow").iter(batch_size=1)
    return [name_of(row) for row in rows if row["n_times"][0].as_py() >= 316]


@pytest.mark.parametrize("shuffle_seed", [None, 5])
@pytest.mark.parametrize("n_readers", [1, 3, 8])
def test_readers_together_see_every_segment_once_per_pass(streams, n_readers, shuffle_seed):
    for name, stream in streams.items():
        everything = usable(stream)
        per_pass = Counter()
        for reader in range(n_readers):
            own = split_dataset_by_node(stream, reader, n_readers)
            passes = Passes(name, own, Cropper(EXTRACTOR, CONFIG, 100.0), shuffle_seed)
            try:
                for row in passes:
                    if passes.number >= 2:
                        break
                    per_pass[passes.number, name_of(row)] += 1
            except ValueError:  # its only one cannot be used
                assert (name, n_readers) == ("files", 8)
        assert per_pass == {(number, segment): 1 for number in (0, 1) for segment in everything}


def test_passes_are_in_order_unless_shuffled(streams):
    stream = streams["eegmmidb"]
    everything = usable(stream)

    def two_passes(shuffle_seed):
        passes = Passes("eegmmidb", stream, Cropper(EXTRACTOR, CONFIG, 100.0), shuffle_seed)
        names = [name_of(row) for row in take(passes, 2 * len(everything))]
        return names[: len(everything)], names[len(everything) :]

    assert two_passes(None) == (everything, everything)
    first, second = two_passes(5)
    assert first != everything
    assert second not in (first, everything)
    assert sorted(first) == sorted(second) == sorted(everything)


@pytest.mark.parametrize("shuffled_segments", [1, 5])
@pytest.mark.parametrize("n_workers", [0, 2])
def test_resumed_anywhere_the_batches_are_the_very_same(streams, tmp_path, shuffled_segments, n_workers):
    def loader():
        crops = crops_of(streams, crops_per_segment=3, shuffled_segments=shuffled_segments)
        return StreamLoader(crops, batch_size=4, num_workers=n_workers)

    n_batches = 45  # more than a pass of each
    expected = take(loader(), n_batches)
    # in the middle of a segment, of a block, of a pass, and resumed twice
    first = loader()
    take(first, 7)
    first.save(tmp_path)
    second = loader()
    second.restore(tmp_path)
    seen = take(second, 6)
    second.save(tmp_path)
    third = loader()
    third.restore(tmp_path)
    seen += take(third, n_batches - 13)
    for index, (ours, theirs) in enumerate(zip(seen, expected[7:], strict=True)):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs), index


def test_each_segment_gives_as_many_crops_and_corpora_come_by_weight(streams, cropped):
    n_crops = 240
    crops = take(crops_of(streams, weights=(3, 1), crops_per_segment=3, shuffled_segments=1), n_crops)
    assert not any(np.array_equal(a["noise"], b["noise"]) for a, b in itertools.pairwise(crops))
    runs = [(name, len(list(group))) for name, group in itertools.groupby(cropped)]
    assert {length for _, length in runs[:-1]} <= {3, 6}
    share = np.mean([name[0] == "eegmmidb" for name in cropped])
    assert 0.6 < share < 0.9


def test_shuffling_mixes_the_segments_of_a_block_and_keeps_all(streams, cropped):
    take(crops_of(streams, crops_per_segment=4, shuffled_segments=8), 64)
    for block in (cropped[:32], cropped[32:]):
        assert max(Counter(block).values()) <= 8  # the small corpus may begin anew within a block
        assert sum(Counter(block).values()) == 32
        longest = max(len(list(group)) for _, group in itertools.groupby(block))
        assert longest < 4
        assert len(set(block[:8])) > 2


def test_another_seed_or_reader_gives_other_crops(streams):
    streams = {"eegmmidb": streams["eegmmidb"]}
    first = take(crops_of(streams, (1,)), 4)
    for other in (
        crops_of(streams, (1,), seed=2),
        crops_of(streams, (1,), process=1, n_processes=2),
    ):
        for a, b in zip(first, take(other, 4), strict=True):
            assert a["noise"].shape != b["noise"].shape or not np.array_equal(a["noise"], b["noise"])
    for a, b in zip(first, take(crops_of(streams, (1,)), 4), strict=True):
        assert_same(a, b)


def test_neighbours_share_their_number_of_channels(streams):
    config = dataclasses.replace(CONFIG, same_montage_size=4, full_montage_probability=0.0)
    streams = {"eegmmidb": streams["eegmmidb"]}
    numbers = [len(crop["channel_positions"]) for crop in take(crops_of(streams, (1,), config=config), 80)]
    assert all(len(set(numbers[i : i + 4])) == 1 for i in range(0, 80, 4))
    assert len(set(numbers)) > 1


def test_condition_weights_raise_or_remove_crops(streams, cropped):
    closed = dataclasses.replace(CONFIG, condition_weights={"eyes_closed": 3.0, "rest": 0.0, "eyes_open": 0.0})
    crops = take(crops_of({"eegmmidb": streams["eegmmidb"]}, (1,), config=closed, crops_per_segment=1), 60)
    assert len(crops) == 60
    sessions = Counter(name[2] for name in cropped)
    assert sessions["R01"] == 0
    assert sessions["R02"] > sessions["R04"] / 2
    of_each = Counter(name for name in cropped if name[2] == "R02")
    assert max(of_each.values()) >= 3


def test_a_corpus_without_anything_to_crop_is_one_sentence(streams):
    long = dataclasses.replace(CONFIG, crop_seconds=100.0)
    with pytest.raises(ValueError, match="other has no segment to crop for one of the readers"):
        next(iter(crops_of({"other": streams["files"]}, (1,), config=long)))
    many = {"other": streams["files"]}
    with pytest.raises(ValueError, match="fewer processes"):
        next(iter(crops_of(many, (1,), process=30, n_processes=31)))


def test_places_of_other_readers_are_refused(streams, tmp_path):
    def loader(batch_size=2, **settings):
        return StreamLoader(crops_of(streams, **settings), batch_size=batch_size)

    before = loader()
    take(before, 2)
    before.save(tmp_path)
    for changes in ({"batch_size": 4}, {"n_processes": 2}, {"crops_per_segment": 1}, {"shuffled_segments": 1}):
        with pytest.raises(ValueError, match="resume it with the same, or begin a new run"):
            loader(**changes).restore(tmp_path)
    with pytest.raises(ValueError, match="does not say where process 1 was"):
        loader(process=1, n_processes=2).restore(tmp_path)
