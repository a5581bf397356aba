# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The comparison of imputed channels with the truth, on recordings whose truth is a smooth field."""

import json
import sys

import mne
import numpy as np
import pytest

from get_hf import CHECKPOINT, GETFeatureExtractor
from get_hf.field import filtered
from get_hf.processing.montage_get import USUAL_CHANNELS, locate_channels
from get_hf.processing.population_get import harmonics, symmetric_roots

RATE, SECONDS = 100.0, 60.0


@pytest.fixture(scope="module")
def extractor() -> GETFeatureExtractor:
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


@pytest.fixture(scope="module")
def raw(extractor) -> mne.io.BaseRaw:
    """The population's field at the electrodes, and a noise of each channel as strong as the population's."""
    transform = extractor.transform
    basis = harmonics(locate_channels(USUAL_CHANNELS, {}))
    smooth = 30 * basis @ transform.harmonic_covariance @ basis.T
    noise = 30 * transform.channel_variance[:, None, None] * np.eye(len(basis))
    white = np.random.default_rng(0).standard_normal((len(basis), round(SECONDS * RATE)))
    grid = np.arange(len(smooth)) * extractor.sampling_rate / (2 * len(smooth))
    microvolts = filtered(white, symmetric_roots(smooth + noise)[0], grid, RATE)
    info = mne.create_info(list(USUAL_CHANNELS), RATE, "eeg")
    return mne.io.RawArray(1e-6 * microvolts, info, verbose="ERROR").set_montage("standard_1005")


@pytest.fixture(scope="module")
def rows(imputation, raw, extractor) -> list[dict]:
    """Figures of two people, whose EEG is the same."""
    own = [
        row
        for montage in imputation.MONTAGES
        for missing in imputation.sets_of(["C3", "Pz", "T7"])
        for row in imputation.measure(raw, missing, extractor, {"person": "S001", "montage": montage})
    ]
    return [*own, *(row | {"person": "S002"} for row in own)]


def test_each_channel_is_judged_once_with_each_number_of_missing_ones(imputation):
    channels = [f"E{number}" for number in range(imputation.N_JUDGED)]
    sets = list(imputation.sets_of(channels))
    for count in imputation.COUNTS:
        of_count = [each for each in sets if len(each) == count]
        assert sorted(np.concatenate(of_count)) == sorted(channels)
    assert {len(each) for each in sets} == set(imputation.COUNTS)


def test_nothing_is_known_of_the_channel_but_by_ridge_regression(imputation, raw, extractor):
    other = raw.copy()
    other._data[other.ch_names.index("C3")] = 1e-5 * np.random.default_rng(5).standard_normal(raw.n_times)
    for estimate in (imputation.splines, imputation.neighbours):
        np.testing.assert_allclose(estimate(other, ["C3"]), estimate(raw, ["C3"]), atol=1e-15)
    draws = [imputation.impute(each, ["C3"], extractor)[0].get_data(["C3"]) for each in (raw, other)]
    np.testing.assert_allclose(*draws, atol=1e-15)
    assert not np.allclose(imputation.ridge(other, ["C3"]), imputation.ridge(raw, ["C3"]), atol=1e-7)
    later = raw.copy()
    later._data[later.ch_names.index("C3"), raw.n_times // 2 :] = 0
    np.testing.assert_allclose(imputation.ridge(later, ["C3"]), imputation.ridge(raw, ["C3"]), atol=1e-15)


def test_where_the_model_holds_the_mean_errs_least_and_a_draw_has_the_power(imputation, rows):
    found = {(row["missing"], row["band"], row["method"]): row for row in imputation.summarise(rows)}
    for band in imputation.BANDS:
        mean, draw, splines = (
            found[1, band, method] for method in (imputation.MEAN, imputation.DRAW, imputation.SPLINES)
        )
        assert mean["error"][0] < min(splines["error"][0], draw["error"][0])
        assert mean["power"][0] < 0.97 < draw["power"][0] < 1.1
        assert draw["decibels"][0] < 0.5
    assert imputation.shortfalls(list(found.values())) == []


def test_a_loss_to_splines_is_a_shortfall_in_the_bands_that_have_a_goal(imputation, rows):
    worse = [row | {"error": 9.0} if row["method"] == imputation.MEAN else row for row in rows]
    failed = imputation.shortfalls(imputation.summarise(worse))
    assert len(failed) == len(imputation.MONTAGES) * len({row["missing"] for row in rows}) * len(imputation.GOALS)
    assert not any("30-45" in each for each in failed)


def test_the_tables_are_written_into_the_document(imputation, raw, tmp_path, monkeypatch, capsys):
    class Recording:
        subject, session = "S080", "R02"

        def open(self):
            return raw.copy()

    class Corpus:
        def recordings(self, data, split):
            assert split == "validation"
            return [Recording()]

    monkeypatch.setattr(imputation, "get_corpus", {"eegmmidb": Corpus()}.__getitem__)
    monkeypatch.setattr(imputation, "N_JUDGED", 2)
    monkeypatch.setattr(imputation, "COUNTS", (1, 2))
    document, kept = tmp_path / "guide.md", tmp_path / "imputation.json"
    document.write_text("before\n<!-- imputation:begin -->\nold\n<!-- imputation:end -->\nafter\n")
    words = ["--data", "there", "--runs", "R02", "--write", document, "--json", kept, "--plot", tmp_path / "c3.png"]
    monkeypatch.setattr(sys, "argv", ["imputation.py", *map(str, words)])
    imputation.main()
    text = document.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    told = json.loads(kept.read_text())
    assert imputation.table(told["rows"]) in text
    assert imputation.table(told["rows"]) in capsys.readouterr().out
    assert len({row["channel"] for row in told["channels"]}) > 2
    assert (tmp_path / "c3.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--people", "0"], "--people must be 1 or more"),
        ([], "eegmmidb is not in"),
        (["--checkpoint", "nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(imputation, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["imputation.py", "--data", str(tmp_path), *words])
    with pytest.raises(SystemExit) as error:
        imputation.main()
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_a_document_without_a_place_is_refused_before_the_work(imputation, tmp_path, monkeypatch, capsys):
    document = tmp_path / "guide.md"
    document.write_text("no place\n")
    monkeypatch.setattr(imputation, "get_corpus", lambda name: type("None", (), {"recordings": lambda *_: []})())
    monkeypatch.setattr(sys, "argv", ["imputation.py", "--data", "there", "--write", str(document)])
    with pytest.raises(SystemExit) as error:
        imputation.main()
    assert error.value.code == 2
    assert "no place for the imputation" in capsys.readouterr().err
