# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the README tells a newcomer to type, typed (installation apart: that is what CI does)."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import mne
import pytest

import get_hf
from hub import Hub
from small import save_small
from synthetic import make_raw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BASH = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
INSTALL = "python3 -m venv .venv && . .venv/bin/activate && pip install -q -c constraints.txt -e "

needs_checkpoint = pytest.mark.skipif(not get_hf.CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree")


@pytest.fixture
def folder(tmp_path):
    """A folder with the recordings that the README's examples speak of."""
    get_hf.save_recording(make_raw(), tmp_path / "recording.edf")
    subject = tmp_path / "data/eegmmidb/S001"
    subject.mkdir(parents=True)
    get_hf.save_recording(make_raw(), subject / "S001R01.edf")
    return tmp_path


def get_hf_commands(verb: str) -> list[list[str]]:
    """Arguments of the README's commands that begin with a verb."""
    lines = [line for block in BASH for line in block.strip().splitlines()]
    commands = [line[line.index("get-hf ") :] for line in lines if re.search(r"(^|&& )get-hf ", line)]
    return [words[1:] for words in map(shlex.split, commands) if words[1] == verb]


def test_every_command_of_the_readme_is_tested():
    tested = [command for verb in ("generate", "corpus", "push", "pull") for command in get_hf_commands(verb)]
    assert len(tested) == len(re.findall(r"^get-hf |&& get-hf ", "".join(BASH), flags=re.MULTILINE))


def test_the_readme_opens_with_two_commands_that_install_by_the_constraints():
    for block in BASH[:2]:
        assert len(block.strip().splitlines()) == 1
        assert block.startswith(INSTALL)
    assert "get-hf generate" in BASH[0]
    assert "pytest" in BASH[1]


@needs_checkpoint
@pytest.mark.parametrize("arguments", get_hf_commands("generate"), ids=" ".join)
def test_the_commands_write_what_they_say(folder, arguments):
    subprocess.run([sys.executable, "-m", "get_hf", *arguments], cwd=folder, check=True)
    continued = mne.io.read_raw(folder / arguments[arguments.index("--out") + 1], verbose="ERROR")
    assert "GET generated" in continued.annotations.description
    picture = folder / arguments[arguments.index("--plot") + 1]
    assert picture.stat().st_size > 10_000


@pytest.mark.slow
def test_the_commands_about_corpora_lead_from_recordings_to_the_hub(folder):
    with Hub() as hub:
        for arguments in get_hf_commands("corpus"):
            command = [sys.executable, "-m", "get_hf", *arguments]
            subprocess.run(command, cwd=folder, check=True, env=os.environ | hub.environment)
    assert (folder / "eegmmidb-get/spectra.png").stat().st_size > 10_000
    pushed = hub.repositories["dataset", "someone/eegmmidb-get"]
    assert pushed.private
    assert {"README.md", "spectra.png", "data/train-00000-of-00001.parquet"} <= set(pushed.files)


@pytest.mark.slow
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
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    continued = mne.io.read_raw(folder / "continued_raw.fif", verbose="ERROR")
    assert continued.n_times == (12 + 20) * 160


def test_the_figures_of_the_evaluation_have_their_place():
    assert README.count("<!-- figures:begin -->") == README.count("<!-- figures:end -->") == 1


def test_every_file_the_documents_link_to_exists():
    for document in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / document).read_text()):
            assert (ROOT / target).exists(), f"{document} links to {target}"
