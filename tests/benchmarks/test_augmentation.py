# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import sys

import numpy as np
import pytest

pytest.importorskip("pyriemann")


def trials(augmentation, n: int, shift: float, seed: int):
    """Trials of two classes that are `shift` apart in the first feature."""
    rng = np.random.default_rng(seed)
    labels = np.resize([0, 1], n)
    features = rng.standard_normal((n, 30))
    features[:, 0] += shift * (labels - 0.5)
    return augmentation.Trials(features, labels, np.arange(n))


@pytest.fixture
def person(augmentation):
    """A person of whom one way makes good trials, and another noise."""
    real = trials(augmentation, 42, 2.0, 0)
    copies = dict.fromkeys(("FT surrogate", "noise", "shift"), trials(augmentation, 42, 0.0, 2))
    return augmentation.Person("S001", real, trials(augmentation, 42, 4.0, 1), copies)


def test_good_trials_help_where_few_are_recorded(augmentation, person):
    found = augmentation.measured(person, draws=10, seed=0)
    rows = {(row["trials a class"], row["way"]): row for row in augmentation.rows_of({"S001": found})}
    assert rows[3, "GET"]["gain"] > 0.05
    assert rows[3, "GET"]["gain"] > rows[3, "GET, shuffled"]["gain"]
    assert rows[3, "GET"]["gain"] > rows[3, "FT surrogate"]["gain"]
    assert rows[3, "GET, gated"]["gain"] >= 0
    assert rows[3, "GET"]["harm"] == 0
    assert {way for _, way in rows} == set(augmentation.WAYS)


def test_surrogates_keep_power_and_what_channels_share(augmentation):
    rng = np.random.default_rng(0)
    real = rng.standard_normal((3, 4, 1280)).cumsum(-1)
    real -= real.mean(-1, keepdims=True)
    made = {way: list(copies) for way, copies in augmentation.surrogates(real, 160.0, rng).items()}
    assert {len(copies) for copies in made.values()} == {augmentation.COPIES}
    surrogate = made["FT surrogate"][0]
    assert np.abs(surrogate - real).max() > 0.1
    of_real, of_surrogate = (np.einsum("nct,ndt->ncd", x, x) for x in (real, surrogate))
    np.testing.assert_allclose(of_surrogate, of_real, rtol=0.01, atol=0.01 * np.abs(of_real).max())


def test_the_table_is_written_into_a_document(augmentation, person, tmp_path):
    found = {"S001": augmentation.measured(person, draws=1, seed=0)}
    result = {"split": "validation", "draws": 1, "people": ["S001"], "rows": augmentation.rows_of(found)}
    document = tmp_path / "guide.md"
    document.write_text("before\n<!-- augmentation:begin -->\nold\n<!-- augmentation:end -->\nafter\n")
    augmentation.write(json.loads(json.dumps(result)), document)
    text = document.read_text()
    assert "old" not in text
    assert "| 3 | GET, gated |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    augmentation.plot(result, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_a_folder_without_data_is_refused_in_one_sentence(augmentation, tmp_path, monkeypatch, capsys):
    words = ["augmentation.py", "--data", str(tmp_path), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as error:
        augmentation.main()
    assert error.value.code == 2
    assert "eegmmidb is not in" in capsys.readouterr().err
