# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What README and user guide tell a newcomer to type, typed (installation apart: that is what CI does)."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import torch

import get_hf
from get_hf.pretrained import CLASSIFIERS
from hub import Hub
from small import save_small
from synthetic import make_raw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GUIDE = "\n".join(page.read_text() for page in sorted((ROOT / "docs/guide").glob("*.md")))
BASH = re.findall(r"```bash\n(.*?)```", README + GUIDE, flags=re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README + GUIDE, flags=re.DOTALL)
INSTALL = "python3 -m venv .venv && . .venv/bin/activate && pip install -q -c constraints.txt -e "

needs_checkpoint = pytest.mark.skipif(not get_hf.CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree")

needs_classifiers = pytest.mark.skipif(not CLASSIFIERS.is_dir(), reason="no classifiers are shipped in this tree")


@pytest.fixture
def folder(tmp_path):
    """A folder with the recordings that README and guide speak of."""
    get_hf.save_recording(make_raw(), tmp_path / "recording.edf")
    subject = tmp_path / "data/eegmmidb/S001"
    subject.mkdir(parents=True)
    get_hf.save_recording(make_raw(), subject / "S001R01.edf")
    return tmp_path


def get_hf_commands(verb: str) -> list[list[str]]:
    """Arguments of the commands that begin with a verb, each once."""
    lines = [line for block in BASH for line in block.strip().splitlines()]
    commands = [line[line.index("get-hf ") :] for line in dict.fromkeys(lines) if re.search(r"(^|&& )get-hf ", line)]
    found = [tuple(words[1:]) for words in map(shlex.split, commands) if words[1] == verb]
    return [list(words) for words in dict.fromkeys(found)]


def test_every_command_is_tested():
    verbs = re.findall(r"(?:^|&& )get-hf (\S+)", "".join(BASH), flags=re.MULTILINE)
    # tests/browser opens the page; test_stream.py and test_listen.py of tests/get_hf/cli send and hear streams
    elsewhere = {"demo", "stream", "listen"}
    assert set(verbs) == {"generate", "score", "corpus", "push", "pull", "augment", "classify", "impute"} | elsewhere


def test_the_readme_opens_with_two_commands_that_install_by_the_constraints():
    for block in BASH[:2]:
        assert len(block.strip().splitlines()) == 1
        assert block.startswith(INSTALL)
    assert "get-hf generate" in BASH[0]
    assert "pytest" in BASH[1]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160


@needs_checkpoint
@pytest.mark.parametrize("arguments", get_hf_commands("generate"), ids=" ".join)
def test_the_commands_write_what_they_say(folder, arguments):
    subprocess.run([sys.executable, "-m", "get_hf", *arguments], cwd=folder, check=True)
    continued = mne.io.read_raw(folder / arguments[arguments.index("--out") + 1], verbose="ERROR")
    assert "GET generated" in continued.annotations.description
    picture = folder / arguments[arguments.index("--plot") + 1]
    assert picture.stat().st_size > 10_000


@needs_checkpoint
@pytest.mark.parametrize("arguments", get_hf_commands("score"), ids=" ".join)
def test_the_commands_that_score_write_what_they_say(folder, arguments):
    get_hf.save_recording(make_raw(40.0, seed=1), folder / "recording.edf")
    get_hf.save_recording(make_raw(40.0, seed=2), folder / "rest.edf")
    subprocess.run([sys.executable, "-m", "get_hf", *arguments], cwd=folder, check=True)
    assert (folder / arguments[arguments.index("--out") + 1]).stat().st_size > 0


@pytest.mark.parametrize("arguments", get_hf_commands("augment"), ids=" ".join)
def test_the_commands_about_augmentation_write_trials(folder, arguments):
    save_small(folder / "small")
    get_hf.save_recording(make_raw(), folder / "rest.edf")
    events, classes = np.array([[0, 0, 1], [900, 0, 2]]), {"left_fist": 1, "right_fist": 2}
    data = np.stack([make_raw(seconds=3.0, seed=seed).get_data() for seed in range(2)])
    trials = mne.EpochsArray(data, make_raw().info, events, -2.0, classes, verbose="ERROR")
    trials.save(folder / "trials-epo.fif", verbose="ERROR")
    command = [sys.executable, "-m", "get_hf", *arguments, "--checkpoint", "small"]
    subprocess.run(command, cwd=folder, check=True)
    made = mne.read_epochs(folder / arguments[arguments.index("--out") + 1], verbose="ERROR")
    assert len(made) == 2 * int(arguments[arguments.index("--n") + 1])


@needs_classifiers
@pytest.mark.parametrize("arguments", get_hf_commands("classify"), ids=" ".join)
def test_the_commands_classify(folder, arguments):
    subprocess.run([sys.executable, "-m", "get_hf", *arguments], cwd=folder, check=True)


def test_the_commands_about_corpora_lead_from_recordings_to_the_hub(folder):
    with Hub() as hub:
        for arguments in get_hf_commands("corpus"):
            command = [sys.executable, "-m", "get_hf", *arguments]
            subprocess.run(command, cwd=folder, check=True, env=os.environ | hub.environment)
    assert (folder / "eegmmidb-get/spectra.png").stat().st_size > 10_000
    pushed = hub.repositories["dataset", "someone/eegmmidb-get"]
    assert pushed.private
    assert {"README.md", "spectra.png", "data/train-00000-of-00001.parquet"} <= set(pushed.files)


def test_the_commands_about_the_hub_lead_there_and_back(folder):
    save_small(folder / "runs/mine")
    with Hub() as hub:
        environment = os.environ | hub.environment | {"HF_HOME": str(folder / "home")}
        for arguments in (*get_hf_commands("push"), *get_hf_commands("pull")):
            subprocess.run([sys.executable, "-m", "get_hf", *arguments], cwd=folder, check=True, env=environment)
    assert hub.repositories["model", "someone/get-mine"].private
    weights = "model.safetensors"
    assert (folder / "get-mine" / weights).read_bytes() == (folder / "runs/mine" / weights).read_bytes()


@needs_checkpoint
@pytest.mark.parametrize("program", PYTHON)
def test_the_programs_run(folder, program):
    if "load_classifier" in program and not CLASSIFIERS.is_dir():
        pytest.skip("no classifiers are shipped in this tree")
    if "onnx" in program:
        pytest.importorskip("onnxruntime")
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    if "continued_raw.fif" in program:
        continued = mne.io.read_raw(folder / "continued_raw.fif", verbose="ERROR")
        assert continued.n_times == (12 + 20) * 160


def test_the_figures_are_those_of_the_shipped_checkpoint():
    pytest.importorskip("sklearn")  # the extra `train`
    from get_hf.training.evaluation.report import fill_card, summary

    rows = json.loads((get_hf.CHECKPOINT / "fidelity.json").read_text())["rows"]
    for document in ("README.md", "model_card.md"):
        text = (ROOT / document).read_text()
        assert fill_card(text, "summary", summary(rows, "GET")) == text
    full = (ROOT / "docs/evaluation.md").read_text()
    lines = {line.split("|")[1].strip(): line for line in full.splitlines() if line.count("|") > 8}
    for name, row in rows["GET"].items():
        if row["interval"]:
            assert "({:.3g} to {:.3g})".format(*row["interval"]) in lines[name]


def test_the_modules_that_the_guide_names_for_lora_exist():
    guide = (ROOT / "docs/guide/fine_tuning.md").read_text()
    named = {name for name in re.findall(r"^\| .* \| `(\w+)` \|$", guide, flags=re.MULTILINE)}
    linear = {
        name.rpartition(".")[2]
        for name, module in get_hf.GETModel(get_hf.GETConfig()).backbone.layers.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    assert named == linear


def test_every_file_the_documents_link_to_exists():
    for document in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / document).read_text()):
            assert (ROOT / target).exists(), f"{document} links to {target}"


def test_changelog_and_citation_know_the_version():
    assert f"## {get_hf.__version__} - " in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {get_hf.__version__}\n" in (ROOT / "CITATION.cff").read_text()
