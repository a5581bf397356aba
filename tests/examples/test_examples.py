# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The scripts in examples/, run as a user runs them, on a tiny model."""

import re
import runpy
import sys
from pathlib import Path

import mne
import pytest
import torch

from get_hf import GETConfig, GETFeatureExtractor, GETForSequenceClassification, GETModel, save_recording
from synthetic import make_raw

EXAMPLES = Path(__file__).parents[2] / "examples"
CAP = ["Fz..", "C3..", "Cz..", "C4..", "P3..", "Pz..", "P4..", "O1..", "Oz..", "O2.."]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    flow = {"flow_num_layers": 1, "flow_hidden_size": 16, "flow_intermediate_size": 32}
    GETModel(GETConfig(sliding_window=16, **small, **flow)).save_pretrained(folder)
    GETFeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture
def run(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments), "--checkpoint", str(checkpoint)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def people(tmp_path):
    """Recordings in the layout of EEGMMIDB."""
    for person in range(1, 5):
        folder = tmp_path / f"data/S{person:03}"
        folder.mkdir(parents=True)
        for number in (1, 2):
            raw = make_raw(ch_names=CAP, seed=10 * person + number)
            save_recording(raw, folder / f"S{person:03}R{number:02}.edf")
    return tmp_path / "data"


@pytest.mark.parametrize("given", [True, False])
def test_generate(run, tmp_path, given):
    save_recording(make_raw(), tmp_path / "recording.edf")
    out = run("generate.py", *["recording.edf"] * given, "--seconds", 2, "--out", "c.edf")
    continued = mne.io.read_raw(tmp_path / "c.edf", verbose="ERROR")
    assert "GET generated" in continued.annotations.description
    assert out == f"c.edf: {14 if given else 2} s, 8 channels\n"


@pytest.mark.parametrize("given", [True, False])
def test_fine_tune(run, people, tmp_path, given):
    pytest.importorskip("accelerate")
    out = run("fine_tune.py", *["--data", people] * given, "--people", 4, "--epochs", 1, "--out", "eyes")
    assert re.search(r"eyes: accuracy [01]\.\d\d on 1 people whom fine-tuning did not see", out)
    model = GETForSequenceClassification.from_pretrained(tmp_path / "eyes")
    assert model.config.id2label == {0: "eyes_open", 1: "eyes_closed"}
    GETFeatureExtractor.from_pretrained(tmp_path / "eyes")


@pytest.mark.parametrize("given", [True, False])
def test_augment(run, people, given):
    pytest.importorskip("sklearn")
    out = run("augment.py", *["--data", people] * given, "--people", 4, "--epochs", 2, "--copies", 2)
    counts = re.findall(r"(\d+) epochs   accuracy ([01]\.\d{3})", out)
    assert [int(n_epochs) for n_epochs, _ in counts] == [8, 24]


def test_score_finds_spikes_and_waves(run, tmp_path):
    out = run("score.py", "--plot", "surprise.png")
    moments = [float(moment) for moment in re.findall(r"([\d.]+) s  ", out)]
    assert len(moments) == 5
    assert sum(19.5 <= moment <= 23.5 for moment in moments) >= 4
    assert (tmp_path / "surprise.png").stat().st_size > 10_000


def test_score_reads_long_recordings_in_pieces(run, tmp_path):
    raw = make_raw(seconds=130.0)
    raw._data[:, 80 * 160 : 81 * 160] *= 12
    save_recording(raw, tmp_path / "long.edf")
    out = run("score.py", "long.edf", "--moments", 1)
    assert float(re.search(r"([\d.]+) s  ", out)[1]) == pytest.approx(80.5, abs=0.8)


@pytest.mark.parametrize("given", [True, False])
def test_impute(run, tmp_path, given):
    save_recording(make_raw(), tmp_path / "recording.edf")
    out = run("impute.py", *["recording.edf"] * given, "--channels", "C3,Pz", "--draws", 2, "--plot", "impute.png")
    assert len(re.findall(r"^\w+: a draw: correlation -?[\d.]+, power [\d.]+; splines: ", out, re.MULTILINE)) == 2
    assert (tmp_path / "impute.png").stat().st_size > 10_000


def test_stream_keeps_to_the_time(run):
    out = run("stream.py", "--seconds", 0.5)
    assert len(re.findall(r"^patch +\d+ +[\d.]+ ms of 250", out, flags=re.MULTILINE)) == 2
    assert re.search(r"worst patch: \d+ % of its duration", out)


def test_every_example_is_tested_and_named_in_the_readme():
    names = {file.name for file in EXAMPLES.glob("*.py")}
    assert names == {"generate.py", "fine_tune.py", "augment.py", "score.py", "impute.py", "stream.py"}
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert all(f"examples/{name}" in readme for name in names)
