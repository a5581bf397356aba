# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The tables of the benchmark of seizures: paired comparisons, and what is written where."""

import json
import sys

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def few_bootstraps(seizures, monkeypatch):
    """Intervals need fewer resamples here than in a table."""
    monkeypatch.setattr(seizures, "N_BOOTSTRAPS", 200)


@pytest.fixture
def labels() -> np.ndarray:
    return np.repeat([0, 1], [200, 100])


def test_the_interval_of_a_difference_holds_what_is_true(seizures, labels):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, len(labels)))
    same = seizures.auc_difference(labels, labels + noise[0], labels + noise[0])
    assert same == [0.0, 0.0, 0.0]
    value, low, high = seizures.auc_difference(labels, 3 * labels + noise[0], labels + noise[1])
    assert low < value < high
    assert low > 0
    reverse = seizures.auc_difference(labels, labels + noise[1], 3 * labels + noise[0])
    assert reverse[0] == pytest.approx(-value)


def test_pairs_make_the_interval_narrow(seizures, labels):
    rng = np.random.default_rng(1)
    shared = labels + rng.standard_normal(len(labels))
    _, low, high = seizures.auc_difference(labels, shared, shared + 0.01 * rng.standard_normal(len(labels)))
    _, lowest, highest = seizures.auc_difference(labels, shared, labels + rng.standard_normal(len(labels)))
    assert high - low < 0.2 * (highest - lowest)


def test_ways_are_compared_with_the_first_one(seizures):
    labels = np.tile([0, 0, 1], 100)
    folds = np.arange(300) // 30
    rng = np.random.default_rng(0)
    good, bad = labels - 0.5 + 0.2 * rng.standard_normal(300), labels - 0.5 + 3 * rng.standard_normal(300)
    seen = []

    def way(scores):
        def of(train, test):
            seen.append((len(train), len(np.intersect1d(train, test))))
            return scores[test]

        return of

    rows = seizures.figures({"GET, frozen": way(good), "other": way(bad)}, labels, folds)
    assert seen[: seizures.N_FOLDS] == [(270, 0)] * seizures.N_FOLDS
    assert seen[seizures.N_FOLDS : seizures.N_FOLDS + seizures.N_DRAWS] == [(10, 0)] * seizures.N_DRAWS
    first, other = rows["GET, frozen"], rows["other"]
    assert "folds, GET minus it" not in first
    difference = first["folds, AUC"] - other["folds, AUC"]
    assert other["folds, GET minus it"][0] == pytest.approx(difference)
    assert other["5 + 5, GET minus it"][0] == pytest.approx(first["5 + 5, AUC"] - other["5 + 5, AUC"])
    assert seizures.shortfalls({"trained": rows}) == []
    lost = {"GET, frozen": other, "other": first}
    assert len(seizures.shortfalls({"trained": lost})) == 2


def test_cells_say_what_a_row_lacks(seizures):
    table = {"GET score": {"AUC": 0.99512}, "log RMS": {"AUC": 0.5, "GET minus it": [0.4951, 0.41, 0.52]}}
    lines = seizures.as_markdown(table).splitlines()
    assert lines[0] == "|  | AUC | GET minus it |"
    assert lines[2:] == ["| GET score | 0.995 |  |", "| log RMS | 0.500 | +0.495 [+0.410 +0.520] |"]


def test_events_have_unit_power_and_lie_where_they_should(seizures):
    rng, rate = np.random.default_rng(0), 160.0
    x = 10 * rng.standard_normal((len(seizures.CH_NAMES), round(30 * rate)))
    inside = slice(*(round(second * rate) for second in seizures.EVENT))
    for kind in seizures.EVENTS:
        added = seizures.with_event(x, kind, rate, 1.0) - x
        outside = added.copy()
        outside[:, inside] = 0
        assert not outside.any()
        assert added[:, inside].any()
        if seizures.EVENTS[kind] is not None:
            course = seizures.course(kind, 5.0, rate)
            assert np.sqrt(np.mean(course**2)) == pytest.approx(1.0, rel=0.05)
            strongest = seizures.CH_NAMES[added.std(axis=1).argmax()]
            assert strongest in {seizures.EVENTS[kind][0], "F3", "F4"}


def test_tables_are_kept_and_written_into_the_document(seizures, tmp_path, monkeypatch, capsys):
    table = {"GET score": {"AUC": 0.99}, "log RMS": {"AUC": 0.98, "GET minus it": [0.01, -0.01, 0.02]}}
    monkeypatch.setattr(seizures, "get_corpus", lambda name: type("One", (), {"recordings": lambda *_: iter([1])})())
    monkeypatch.setattr(seizures, "bonn_untrained", lambda data: table)
    document, out = tmp_path / "guide.md", tmp_path / "seizures"
    document.write_text("before\n<!-- seizures:begin -->\nold\n<!-- seizures:end -->\nafter\n")
    events = {"GET score": {"mean": 0.9}, "log RMS": {"mean": 0.6, "GET minus it": [0.3, 0.2, 0.4]}}
    out.with_suffix(".json").write_text(json.dumps({"events": events}))
    words = ["--data", "there", "--out", str(out), "--tables", "untrained", "--write", str(document)]
    monkeypatch.setattr(sys, "argv", ["seizures.py", *words])
    seizures.main()
    text = document.read_text()
    assert "old" not in text
    places = [text.index(seizures.TITLES[name]) for name in ("events", "untrained")]
    assert places == sorted(places)
    assert seizures.as_markdown(table) in text
    assert seizures.as_markdown(table) in capsys.readouterr().out
    assert json.loads(out.with_suffix(".json").read_text()) == {"events": events, "untrained": table}


@pytest.mark.parametrize(
    ("words", "message"), [(["--people", "0"], "--people must be 1 or more"), ([], "bonn is not in")]
)
def test_bad_input_is_refused_in_one_sentence(seizures, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["seizures.py", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *words])
    with pytest.raises(SystemExit) as error:
        seizures.main()
    assert error.value.code == 2
    assert message in capsys.readouterr().err
