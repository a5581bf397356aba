# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad input, in tables. `pytest tests/catalogue --write-counts` writes how much of it into CONTRIBUTING.md."""

import re
import sys
from collections import Counter
from pathlib import Path

import mne
import numpy as np
import pytest
import yaml

from classifiers import save_classifier
from get_hf import cli, save_recording
from small import save_small
from synthetic import make_raw
from training_runs import RECIPE

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def pytest_addoption(parser):
    parser.addoption("--write-counts", action="store_true", help="write the counts of bad input into CONTRIBUTING.md")


def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption("--write-counts", default=False):
        return
    passed, failed = (terminalreporter.getreports(outcome) for outcome in ("passed", "failed"))
    of = Counter("command" if "test_command" in report.nodeid else "API" for report in [*passed, *failed])
    line = (
        f"{of.total()} bad inputs, {of['command']} to the command and {of['API']} to the API: {len(passed)} answered "
        "in one sentence, nothing written."
    )
    text = CONTRIBUTING.read_text(encoding="utf-8")
    between = re.compile(r"(<!-- catalogue -->).*?(<!-- /catalogue -->)", re.DOTALL)
    CONTRIBUTING.write_text(between.sub(rf"\1\n{line}\n\2", text), encoding="utf-8")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A folder of files that something is wrong with, and of a few that nothing is wrong with."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "text.edf").write_text("no EEG at all\n" * 50)
    (folder / "text.xyz").write_text("no EEG at all\n" * 50)
    (folder / "empty.edf").touch()
    (folder / "noise.fif").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "folder").mkdir()
    save_recording(make_raw(), folder / "good.edf")
    whole = (folder / "good.edf").read_bytes()
    (folder / "header.edf").write_bytes(whole[:200])
    save_recording(make_raw(ch_names=["ECG", "EMG1"]), folder / "no_eeg.edf")
    save_recording(make_raw(ch_names=["C3", "Qx9"]), folder / "unknown.edf")
    save_recording(make_raw(seconds=0.2), folder / "short.edf")
    save_recording(make_raw(ch_names=["EEG Fp1-(A1+A2)/2", "C3"]), folder / "long_name.fif")
    for name, change in {"flat": lambda x: 0 * x, "loud": lambda x: 1e6 * x, "nan": lambda x: x + np.nan}.items():
        raw = make_raw()
        raw._data = change(raw._data)
        save_recording(raw, folder / f"{name}.fif")
    events, classes = np.array([[0, 0, 1], [900, 0, 2]]), {"left_fist": 1, "right_fist": 2}
    for name, tmin in {"trials": -2.0, "at_cue": 0.0}.items():
        data = np.stack([make_raw(seconds=3.0, seed=seed).get_data() for seed in range(2)])
        trials = mne.EpochsArray(data, make_raw().info, events, tmin, classes, verbose="ERROR")
        trials.save(folder / f"{name}-epo.fif", verbose="ERROR")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"output_dir": "run"}))
    finetuning = {"corpus": "eegmmidb", "classes": {"left": "left_fist", "right": "right_fist"}, "output_dir": "run"}
    (folder / "finetune.yaml").write_text(yaml.safe_dump(finetuning))
    (folder / "list.yaml").write_text("- 1")
    (folder / "cut.yaml").write_text("a: [1")
    (folder / "empty.yaml").touch()
    (folder / "card.md").write_text("# no place for figures")
    save_small(folder / "checkpoint")
    save_classifier(folder / "classifier")
    return folder


@pytest.fixture
def get_hf(monkeypatch, capsys, inputs):
    """Runs the command among the inputs and returns its exit code, stdout and stderr."""
    monkeypatch.chdir(inputs)
    monkeypatch.delenv("GET_HF_DATA", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["get-hf", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture
def refused(get_hf, inputs):
    """Runs the command, and checks that it answers in one sentence, that mentions something, and writes nothing."""

    def check(*arguments: str, mentions: str = "") -> None:
        before = {path: path.stat().st_mtime_ns for path in inputs.rglob("*")}
        code, out, err = get_hf(*arguments)
        assert (code, out) == (2, ""), err
        *notes, answer = err.splitlines()
        assert answer.startswith("get-hf: ")
        assert len(answer) > 25
        assert mentions.lower() in answer.lower()
        assert all(note.startswith("note: ") for note in notes)
        assert "should not happen" not in answer
        assert {path: path.stat().st_mtime_ns for path in inputs.rglob("*")} == before

    return check
