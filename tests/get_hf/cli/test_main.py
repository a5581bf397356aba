# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What every command does with errors nobody foresaw, with Ctrl-C, and with options of the command itself."""

import os
import signal
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from get_hf import GETModel
from get_hf.cli import console
from training_runs import RECIPE

OUT_OF_MEMORY = "There is not enough memory for this: ask for fewer seconds, channels or prompts."
SCRIPT = [str(Path(sys.executable).with_name("get-hf"))]
MODULE = ["-m", "get_hf"]


def fail_by(monkeypatch, error: BaseException) -> None:
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(GETModel, "generate", fail)


@pytest.fixture
def generate(get_hf, tiny_checkpoint):
    return lambda: get_hf("generate", "--seconds", 1, "--out", "o.edf", "--checkpoint", tiny_checkpoint)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyError("x"), "KeyError: 'x', which should not happen: GET_HF_DEBUG=1 shows where it did."),
        (RuntimeError("a\nb"), "RuntimeError: a, which should not happen: GET_HF_DEBUG=1 shows where it did."),
        (AssertionError(), "AssertionError, which should not happen: GET_HF_DEBUG=1 shows where it did."),
        (RecursionError("deep"), "RecursionError: deep, which should not happen: GET_HF_DEBUG=1 shows where it did."),
        (MemoryError(), OUT_OF_MEMORY),
        (RuntimeError("CUDA out of memory."), OUT_OF_MEMORY),
        (ImportError("pip install mne"), "pip install mne"),
        (ValueError("two\nlines"), "two lines"),
        (PermissionError(13, "Permission denied", "o.edf"), "o.edf: Permission denied."),
    ],
)
def test_any_error_is_one_sentence_and_exit_code_2(generate, monkeypatch, tmp_path, error, expected):
    fail_by(monkeypatch, error)
    assert generate() == (2, "", f"get-hf: {expected}\n")
    assert list(tmp_path.iterdir()) == []


def test_the_traceback_is_shown_where_the_environment_asks_for_it(generate, monkeypatch):
    fail_by(monkeypatch, KeyError("x"))
    monkeypatch.setenv(console.DEBUG, "1")
    code, _, err = generate()
    assert code == 2
    assert err.startswith("Traceback (most recent call last)")
    assert err.splitlines()[-1].startswith("get-hf: KeyError: 'x'")


def test_an_interruption_reports_its_outcome(generate, monkeypatch, tmp_path):
    fail_by(monkeypatch, KeyboardInterrupt())
    assert generate() == (130, "", "get-hf: interrupted, nothing was written: the same command starts again.\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_training_says_what_is_kept_and_how_to_continue(get_hf, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("get_hf.training.pretraining.run.pretrain", interrupt)
    (tmp_path / "run" / "checkpoint-3").mkdir(parents=True)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"output_dir": "run"}))
    code, out, err = get_hf("pretrain", "recipe.yaml")
    assert (code, out) == (130, "")
    assert err == (
        "get-hf: interrupted, run/checkpoint-3 is kept: the same command with resume_from_checkpoint=true goes on "
        "from there.\n"
    )


@pytest.mark.parametrize(
    ("call", "module"),
    [
        (SCRIPT, "get_hf.starting"),
        (SCRIPT, "torch"),
        (SCRIPT, "get_hf.modeling.modeling_get"),
        (MODULE, "get_hf.starting"),
    ],
)
def test_an_interruption_of_imports_is_one_sentence(call, module, tmp_path):
    # shells have what runs in the background ignore interrupts, and its children with it
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-X", "importtime", *call, "generate", "--seconds", "1", "--out", "o.edf"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=hear)
    for line in process.stderr:  # as each import ends
        if line.split("|")[-1].strip() == module:
            os.kill(process.pid, signal.SIGINT)
            break
    lines = [line for line in process.communicate(timeout=60)[1].splitlines() if not line.startswith("import time:")]
    assert process.returncode == 130
    assert lines == ["get-hf: interrupted while it was starting, nothing was begun: start it again."]
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_imports_the_package_keeps_its_own_interruptions():
    code = "import signal, get_hf; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    subprocess.run([sys.executable, "-c", code, "get-hf", "get_hf"], check=True, preexec_fn=hear)


def test_the_version_is_shown(get_hf):
    assert get_hf("--version") == (0, f"get-hf {version('get-hf')}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_shells_can_complete_commands(get_hf, monkeypatch, shell):
    # typer otherwise goes by the shell that this process was started from
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, out, err = get_hf("--show-completion", shell)
    assert (code, err) == (0, "")
    assert "_GET_HF_COMPLETE" in out


def test_a_shell_completes_options(monkeypatch, get_hf):
    for name, value in {"_GET_HF_COMPLETE": "complete_bash", "COMP_WORDS": "get-hf gen", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    assert get_hf() == (0, "generate\n", "")
