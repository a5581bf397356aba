# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The table of decoders across people."""

import numpy as np
import pytest
from pyriemann.estimation import Covariances
from pyriemann.geometry.mean import gmean

from get_hf import CHECKPOINT, GETFeatureExtractor
from get_hf.training.finetuning.windows import cut_windows

FISTS = {"left": ["left_fist"], "right": ["right_fist"]}


def trials(decoders, n_people=3, n_trials=40, seed=0):
    """Trials of people whose montages mix differently; the class is the power of one source."""
    rng = np.random.default_rng(seed)
    x, labels, subjects = [], [], []
    for person in range(n_people):
        mixing = np.eye(6) + 0.1 * rng.standard_normal((6, 6))
        for trial in range(n_trials):
            source = rng.standard_normal((6, 400))
            source[trial % 2] *= 3
            x.append(mixing @ source)
            labels.append(trial % 2)
            subjects.append(f"P{person}")
    return decoders.Trials(np.stack(x), np.array(labels), np.array(subjects))


@pytest.mark.parametrize("metric", ["riemann", "euclid"])
def test_alignment_makes_each_persons_mean_covariance_the_identity(decoders, metric):
    made = trials(decoders)
    aligned = decoders.aligned(made.x, made.subjects, metric)
    for person in np.unique(made.subjects):
        mean = gmean(Covariances("scm").transform(aligned[made.subjects == person]), metric=metric)
        np.testing.assert_allclose(mean, np.eye(6), atol=0.2)  # covariances are shrunk a little


@pytest.mark.parametrize("name", ["CSP + LDA", "tangent space + LR", "log band power + LDA"])
def test_baselines_decode_other_people(decoders, name):
    made = trials(decoders)
    probabilities = decoders.BASELINES[name](made.of(["P0", "P1"]), made.of(["P2"]), 0)
    assert probabilities.shape == (40, 2)
    assert (probabilities.argmax(1) == made.of(["P2"]).labels).mean() > 0.8


def test_raw_windows_are_the_samples_of_the_segments(decoding, prepared):
    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    windows = cut_windows(prepared["train"], extractor, FISTS, 4.0)
    made = decoding.raw_windows(prepared["train"], windows, extractor)
    assert made.x.shape == (len(windows), 7, 400)  # C3 is flat in S003
    row = next(row for row in prepared["train"] if row["subject"] == "S001" and row["session"] == "R04")
    signal = np.array(row["signal"]).reshape(row["n_chans"], -1)
    signal = extractor.without_events(signal, np.array(row["channel_positions"]).reshape(-1, 6))
    order = [row["ch_names"].index(name) for name in sorted(row["ch_names"]) if name != "C3.."]
    first = round(windows[0]["start"] * 100)
    np.testing.assert_allclose(made.x[0], signal[order, first : first + 400], atol=1e-4)


def test_raw_windows_calibrated_on_a_person_are_the_samples_of_both_runs(decoding, prepared):
    extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
    segments = prepared["train"].filter(lambda subject: subject == "S001", input_columns="subject")
    joined = decoding.calibrated_on(segments, "eyes")
    assert len(joined) == 1
    classes, seconds, calibration = decoding.TASKS["eyes"]
    windows = cut_windows(segments, extractor, classes, seconds, calibrations=(calibration,))
    made = decoding.raw_windows(joined, windows, extractor)
    assert set(made.labels) == {0, 1}
    row = joined[0]
    signal = np.array(row["signal"]).reshape(row["n_chans"], -1)
    signal = extractor.without_events(signal, np.array(row["channel_positions"]).reshape(-1, 6))
    order = [row["ch_names"].index(name) for name in sorted(row["ch_names"])]
    first = round(windows[len(windows) - 1]["start"] * 100)
    np.testing.assert_allclose(made.x[-1], signal[order, first : first + 200], atol=1e-4)


def test_differences_are_paired_over_people(decoding):
    row = {"accuracy": 0.7, "interval": [0.6, 0.8], "auc": 0.8, "seeds": [0.7]}
    table = {
        "GET, fine-tuned | all": row | {"by_person": {"a": 0.9, "b": 0.5}},
        "EEGNet | all": row | {"by_person": {"a": 0.8, "b": 0.4}},
    }
    found = decoding.paired(table)
    assert found["EEGNet | all"]["difference"] == pytest.approx(0.1)
    assert found["EEGNet | all"]["interval"] == pytest.approx([0.1, 0.1])
    about = {"task": "fists", "split": "validation", "date": "2026-01-01", "commit": "c", "machine": "m"}
    text = decoding.markdown({"about": about, "rows": table, "paired": found})
    assert "| EEGNet | all | 1 | 0.700 [0.600, 0.800] | 0.800 | +0.100 [+0.100, +0.100] |" in text


def test_a_missing_label_free_checkpoint_is_named(decoding, tmp_path):
    with pytest.raises(ValueError, match="needs --label-free"):
        decoding.get_row(decoding.LABEL_FREE, "fists", tmp_path, tmp_path, 0, None, None, 1, None)


def test_a_document_gets_the_table_of_a_task(decoding, tmp_path):
    document = tmp_path / "guide.md"
    document.write_text("before\n<!-- decoding-eyes:begin -->\nold\n<!-- decoding-eyes:end -->\nafter\n")
    text = decoding.write(document, "eyes", "| new |")
    assert text == "before\n<!-- decoding-eyes:begin -->\n| new |\n<!-- decoding-eyes:end -->\nafter\n"
    with pytest.raises(ValueError, match=r"guide\.md has no place for the decoding-fists"):
        decoding.write(document, "fists", "| new |")
