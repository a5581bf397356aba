# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf evaluate` from recordings to the report, on people no one recorded and a model no one trained."""

import inspect
import json
import shutil

import numpy as np
import pytest
import torch
from rich.progress import Progress

from get_hf.training.calibration.run import SEED
from get_hf.training.evaluation import generator
from get_hf.training.evaluation.comparison import compare
from get_hf.training.evaluation.generator import GETGenerator
from get_hf.training.evaluation.recordings import PRESETS, Preset, recordings
from get_hf.training.evaluation.run import run
from get_hf.training.evaluation.table import FLOOR, GROUPS
from synthetic import make_raw

TINY = Preset(1, 5, None, 1, 4, 2, 22.0, 1)


@pytest.fixture
def small(monkeypatch, splits):
    """Little of each person."""
    monkeypatch.setitem(PRESETS, "fast", TINY)


def test_every_part_is_measured_beside_the_floor_and_every_baseline(small, people, checkpoint, tmp_path):
    lines = []
    found = run(checkpoint, people, tmp_path / "out", progress=lines.append)
    assert list(found.rows) == ["GET", FLOOR, "pooled VAR(12)", "prompt VAR", "IAAFT", "white", "playback", "replay"]
    groups = [row["group"] for row in found.rows["GET"].values()]
    assert list(dict.fromkeys(groups)) == list(GROUPS)
    pace = {name for name, row in found.rows["GET"].items() if "end over start" in name}
    for column, rows in found.rows.items():
        needs_a_prompt = column in ("prompt VAR", "IAAFT", "playback", "replay")
        changed = ("references", "cleaned") if column == "pooled VAR(12)" else ()
        groups = ("from nothing",) if needs_a_prompt else changed
        unknown = {name for name, row in found.rows["GET"].items() if row["group"] in groups}
        assert set(found.rows["GET"]) - set(rows) <= pace | unknown, column
        assert not unknown & set(rows), column
        assert all(np.isfinite(row["value"]) for row in rows.values()), column
    stored = json.loads((tmp_path / "out/fidelity.json").read_text())
    assert stored["requirements"]["GET"][0]["row"] == "log PSD, ensemble"
    assert stored["about"]["preset"] == "fast"
    pictures = {path.stem for path in (tmp_path / "out").glob("*.png")}
    assert pictures == {"spectra", "traces", "covariances", "two_sample_roc", "prompts", "drift"}
    assert "generating: IAAFT" in lines


def test_a_card_without_a_place_is_refused_before_anything_is_measured(checkpoint, people, tmp_path, monkeypatch):
    monkeypatch.setattr("get_hf.training.evaluation.run.compare", lambda *_, **__: pytest.fail("measured first"))
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    with pytest.raises(ValueError, match=r"card\.md has no place for the figures"):
        run(checkpoint, people, tmp_path / "out", cards=[card])
    assert not (tmp_path / "out").exists()


def test_whatever_training_left_a_card_is_filled(small, people, checkpoint, tmp_path, monkeypatch):
    generators = {"GET": GETGenerator(checkpoint)}
    comparison = compare(generators, people, baselines=False, classifiers=(), parts=())
    monkeypatch.setattr("get_hf.training.evaluation.run.compare", lambda *_, **__: comparison)
    folder = shutil.copytree(checkpoint, tmp_path / "checkpoint")
    card = tmp_path / "card.md"

    def filled(summary: dict) -> str:
        (folder / "training_summary.json").write_text(json.dumps(summary))
        marks = [f"<!-- {section}:{end} -->\n" for section in ("training", "figures") for end in ("begin", "end")]
        card.write_text("of yore\n".join(marks))
        run(folder, people, tmp_path / "out", cards=[card])
        assert "log PSD, ensemble" in card.read_text()
        return card.read_text()

    facts = {"parameters": 3e6, "steps": 10, "crops": 80, "seconds_of_eeg": 7200, "wall_seconds": 60, "commit": None}
    facts |= {"training_subjects": 2, "machine": "a CPU", "seed": 1, "versions": {"torch": "2"}}
    facts |= {"recipe": {"crop_seconds": 16.0}, "training_people": ["eegmmidb/S001"]}
    text = filled(facts | {"log": [{"eval_loss": 0.9}, {"loss": 1.0}, {"eval_loss": 0.8}]})
    assert "3.00 million parameters; 10 steps of 8 crops" in text
    assert "0.900 at the first evaluation and 0.800 at the end" in text
    text = filled(facts | {"log": [{"loss": 1.0}]})  # never evaluated
    assert "3.00 million parameters; 10 steps of 8 crops" in text
    assert "first evaluation" not in text
    # fine-tuning says other things
    text = filled({"base_model": "get", "training_people": ["eegmmidb/S001"]})
    assert text.count("of yore") == 2


def test_corrections_are_not_fitted_to_the_noise_they_are_judged_on():
    defaults = [inspect.signature(of).parameters["seed"].default for of in (run, GETGenerator)]
    assert SEED not in defaults


def test_parts_can_be_left_out_and_a_memorised_training_recording_is_caught(small, people):
    seen = []

    def memorised(prompts, ch_names, n_times, conditions):
        seen.append((n_times, set(conditions)))
        train = next(iter(recordings(people, "train", ch_names))).x
        return np.stack([train[:, 150 + 40 * k :][:, :n_times] for k in range(len(prompts))])

    found = compare({"memorised": memorised}, people, baselines=False, classifiers=(), parts=("fists",))
    rows = found.rows["memorised"]
    assert rows["distance to the nearest training window"]["value"] < 0.1
    assert rows["smallest distance to one"]["met"] is False
    assert not [name for name in rows if "inside" in name]
    assert seen[0] == (1200, {("eyes_open", "eyes_open"), ("eyes_closed", "eyes_closed"), ("none", "none")})
    assert seen[1] == (400, {("rest", "left_fist"), ("rest", "right_fist")})


def test_a_checkpoint_gets_the_conditions_of_the_prompt_and_of_the_continuation(checkpoint, monkeypatch):
    generate = GETGenerator(checkpoint, batch_size=2)
    told = []
    original = type(generate.model).generate

    def spy(model, **inputs):
        told.append(inputs["condition_ids"])
        return original(model, **inputs)

    monkeypatch.setattr(type(generate.model), "generate", spy)
    prompts = np.stack([make_raw(2.0, 100.0, ["C3", "C4"], seed).get_data(units="uV") for seed in range(3)])
    conditions = [("rest", "left_fist"), ("none", "none"), ("rest", "left_fist")]
    made = generate(prompts, ["C3", "C4"], 130, conditions)
    assert made.shape == (3, 2, 130)
    known, rest = generate.extractor.condition_id("left_fist"), generate.extractor.condition_id("rest")
    first, last = told  # two in a batch
    n_before = first.shape[1] - 1
    assert first.tolist() == [[rest] * n_before + [known], [0] * (n_before + 1)]
    assert last.tolist() == [[rest] * n_before + [known]]
    np.testing.assert_array_equal(made, generate(prompts, ["C3", "C4"], 130, conditions))


def test_pace_compares_end_and_start_of_long_runs(monkeypatch):
    clock = iter(np.r_[0.0, np.cumsum(np.repeat([5.0, 1.0, 1.0, 1.3], [20, 20, 140, 20]))])
    monkeypatch.setattr(generator.time, "perf_counter", lambda: next(clock))
    pace = generator._Pace(Progress(disable=True), 200)
    for patch in range(201):
        pace.put(torch.zeros(1, 2, 25))
        if patch == 50:
            assert pace.ratios() == {}
    assert pace.ratios()["cost"] == pytest.approx(1.3)
    assert pace.ratios()["memory"] == pytest.approx(1, abs=0.2)
