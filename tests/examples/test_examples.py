# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The scripts in examples/, run as a user runs them, on a tiny model."""

import re
import runpy
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import torch

from classifiers import save_classifier
from get_hf import CHECKPOINT, GETConfig, GETFeatureExtractor, GETForSequenceClassification, GETModel, save_recording
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
        monkeypatch.setattr(sys, "argv", [name, "--checkpoint", str(checkpoint), *map(str, arguments)])
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
def test_classify(run, tmp_path, given):
    save_recording(make_raw(20.0), tmp_path / "recording.edf")
    classifier = save_classifier(tmp_path / "eyes")
    out = run("classify.py", *["recording.edf"] * given, "--classifier", classifier, "--plot", "classify.png")
    assert re.search(r"(left|right): mean probability [01]\.\d\d", out)
    assert re.search(r"^ +[\d.]+ to +[\d.]+ s  (left|right)$", out, flags=re.MULTILINE)
    assert (tmp_path / "classify.png").stat().st_size > 10_000


@pytest.mark.parametrize("given", [True, False])
def test_fine_tune(run, people, tmp_path, given):
    pytest.importorskip("accelerate")
    out = run("fine_tune.py", *["--data", people] * given, "--people", 4, "--epochs", 1, "--out", "eyes")
    assert re.search(r"eyes: accuracy [01]\.\d\d on 1 people whom fine-tuning did not see", out)
    model = GETForSequenceClassification.from_pretrained(tmp_path / "eyes")
    assert model.config.id2label == {0: "eyes_open", 1: "eyes_closed"}
    GETFeatureExtractor.from_pretrained(tmp_path / "eyes")


@pytest.mark.parametrize("given", [True, False])
def test_augment(run, tmp_path, given):
    pytest.importorskip("pyriemann")
    for number in ("04", "08", "12"):
        names = ["FC3.", "FCZ.", "FC4.", "C3..", "CZ..", "C4..", "CP3.", "CPZ.", "CP4.", "OZ.."]
        raw = make_raw(40.0, ch_names=names, seed=int(number))
        raw.set_annotations(mne.Annotations([4.0, 12.0, 20.0, 28.0], 4.0, ["T1", "T2", "T2", "T1"]))
        (tmp_path / "data/S001").mkdir(parents=True, exist_ok=True)
        save_recording(raw, tmp_path / f"data/S001/S001R{number}.edf")
    data = ["--data", tmp_path / "data"] if given else ["--trials", 5]
    out = run("augment.py", *data, "--sizes", 2, 3, "--plot", "augment.png")
    found = re.findall(r"(\d) trials of each class   recorded ([01]\.\d+)   recorded and generated ([01]\.\d+)", out)
    assert [size for size, *_ in found] == ["2", "3"]
    assert all(0 <= float(accuracy) <= 1 for _, *both in found for accuracy in both)
    assert (tmp_path / "augment.png").stat().st_size > 10_000


def test_benchmark_moabb(run, tmp_path):
    pytest.importorskip("moabb")
    out = run("benchmark_moabb.py", "--plot", "moabb.png")
    scores = re.findall(r"^(GET|CSP \+ LDA) +AUC ([01]\.\d{3}) over 4 sessions$", out, flags=re.MULTILINE)
    assert sorted(name for name, _ in scores) == ["CSP + LDA", "GET"]
    assert (tmp_path / "moabb.png").stat().st_size > 5_000


def test_score_finds_spikes_and_waves(run, tmp_path):
    out = run("score.py", "--plot", "score.png", "--checkpoint", CHECKPOINT)  # a model that learnt what is usual
    found = re.findall(r"([\d.]+) s to +([\d.]+) s +([\d.]+) deviations", out)
    onset, end, _ = max(found, key=lambda event: float(event[2]))  # the rounding of a machine may add weaker ones
    assert float(onset) == pytest.approx(26, abs=1.5)
    assert float(end) == pytest.approx(29, abs=1.5)
    assert (tmp_path / "score.png").stat().st_size > 10_000


def test_score_compares_a_recording_with_another(run, tmp_path):
    raw = make_raw(seconds=60.0, seed=1)
    raw._data[:, 40 * 160 : 42 * 160] *= 12
    save_recording(raw, tmp_path / "long.edf")
    save_recording(make_raw(seconds=40.0), tmp_path / "rest.edf")
    out = run("score.py", "long.edf", "--reference", "rest.edf")
    assert float(re.search(r"([\d.]+) s to", out)[1]) == pytest.approx(40, abs=1.5)


@pytest.mark.parametrize("given", [True, False])
def test_impute(run, tmp_path, given):
    save_recording(make_raw(), tmp_path / "recording.edf")
    out = run("impute.py", *["recording.edf"] * given, "--channels", "C3,Pz", "--draws", 2, "--plot", "impute.png")
    found = re.findall(r"^(\w+), ([\w ]+): correlation -?[\d.]+, power [\d.]+$", out, re.MULTILINE)
    assert found == [(name, way) for name in ("C3", "Pz") for way in ("a draw", "mean of draws", "splines")]
    assert (tmp_path / "impute.png").stat().st_size > 10_000


@pytest.mark.skipif(not CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree")
def test_closed_loop_decodes_the_eyes_of_a_virtual_head(run, tmp_path):
    out = run(
        "closed_loop.py", "--trials", 4, "--seconds", 7, "--reference-seconds", 42, "--plot", "loop.png",
        "--checkpoint", CHECKPOINT,
    )  # fmt: skip
    decided = re.findall(r"cue: (eyes_\w+) +decision: (eyes_\w+) +\([01]\.\d\d\)", out)
    assert len(decided) == 4
    assert sum(cue == decision for cue, decision in decided) >= 3
    assert f"{sum(cue == decision for cue, decision in decided) / 4:.0%} of 4 trials" in out
    assert (tmp_path / "loop.png").stat().st_size > 20_000


def test_stream_keeps_to_the_time(run):
    out = run("stream.py", "--seconds", 2.5)
    sent = re.findall(r"^ *([\d.]+) s +([\d.]+) µV +[\d.]+ ms late", out, flags=re.MULTILINE)
    assert [float(second) for second, _ in sent] == pytest.approx(0.25 * np.arange(10), abs=0.01)
    assert all(2 < float(strength) < 60 for _, strength in sent)
    assert "2.5 s of EEG, each patch 1 s after" in out
    assert re.search(r"worst patch: \d+ ms late", out)


def test_every_example_is_tested_and_named_in_the_readme():
    names = {file.name for file in EXAMPLES.glob("*.py")}
    assert names == {
        "augment.py",
        "benchmark_moabb.py",
        "classify.py",
        "closed_loop.py",
        "fine_tune.py",
        "generate.py",
        "impute.py",
        "score.py",
        "stream.py",
    }
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert all(f"examples/{name}" in readme for name in names)
