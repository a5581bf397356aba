# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import sys

import datasets
import numpy as np
import pytest

from get_hf.training.data.segments import prepare_segments
from get_hf.training.pretraining.crops import COLUMNS
from synthetic import make_raw


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("recordings")
    for number, seconds in enumerate((30.0, 21.0, 5.0)):
        make_raw(seconds, seed=number).save(folder / f"{number}_raw.fif", verbose="ERROR")
    return f"files:{folder}/*.fif"


def test_every_way_of_reading_reads_the_same(reading, corpus, tmp_path):
    segments = prepare_segments(corpus, cache_dir=tmp_path)["train"]
    arrow = segments.select_columns(COLUMNS).with_format("arrow")
    signals = {index: reading._signal(arrow, index) for index in range(len(arrow))}
    rng = np.random.default_rng(0)
    windows = [reading._window(signals, 300, n, rng) for n in (None, 4, 1) for _ in range(10)]
    expected = [signals[index][channels, times] for index, channels, times in windows]
    for read in (
        reading._memory_map(signals, tmp_path),
        reading._fixed_length(signals, tmp_path),
        lambda windows: reading._at_once(arrow, windows),
        lambda windows: reading._one_by_one(arrow, windows),
    ):
        for ours, theirs in zip(read(windows), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_it_prints_a_table_and_writes_json(reading, corpus, tmp_path, monkeypatch, capsys):
    out = tmp_path / "reading.json"
    command = ["reading.py", "--corpus", corpus, "--cache-dir", str(tmp_path), "--seconds", "0.01", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    reading.main()
    datasets.enable_progress_bars()
    results = json.loads(out.read_text())
    assert {r["reader"] for r in results["windows"]} > {"memory map", "prepared segments"}
    assert all(r["times_as_slow"] == 1 for r in results["windows"] if r["reader"] == "memory map")
    table = capsys.readouterr().out
    assert "times as slow" in table
    assert "share waiting" not in table


def test_waiting_is_a_share_of_the_steps(reading, corpus, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"corpus: '{corpus}'\nfit_segments: 3\ncrop_seconds: 4.0\n"
        "per_device_train_batch_size: 2\nuse_cpu: true\nmax_steps: 9\noutput_dir: out\n"
        "model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, flow_hidden_size: 16}\n"
    )
    measured = reading.measure_loading(recipe, None, tmp_path / "cache", 6, 0)
    assert measured["steps"] == 2
    assert 0 < measured["share_waiting"] < 1
