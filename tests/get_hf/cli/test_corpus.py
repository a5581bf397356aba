# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf corpus`, in this process: what it lists, builds and publishes, and what it refuses how."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from get_hf import cli, save_recording
from get_hf.cli import corpus
from get_hf.training.corpora import CORPORA, FAMILIES
from hub import Hub, take_for_the_hub
from synthetic import make_raw


@pytest.fixture(scope="module")
def raw_data(tmp_path_factory) -> Path:
    """Four recordings in the layout of EEGMMIDB, one of them cut off."""
    folder = tmp_path_factory.mktemp("raw")
    for number, name in enumerate(("S001R01", "S001R02", "S002R02", "S080R01")):
        path = folder / "eegmmidb" / name[:4] / f"{name}.edf"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_recording(make_raw(seed=number), path)
    cut = folder / "eegmmidb/S002/S002R02.edf"
    cut.write_bytes(cut.read_bytes()[:300])
    return folder


@pytest.fixture
def prepared(get_hf, raw_data) -> Path:
    assert get_hf("corpus", "prepare", "eegmmidb", "--data-dir", raw_data, "--out", "prepared")[0] == 0
    return Path("prepared").resolve()


def words(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize("columns", [80, 100])
def test_all_corpora_are_listed_in_the_width_there_is(get_hf, monkeypatch, columns):
    monkeypatch.setattr(cli.stdout, "width", columns)
    code, out, err = get_hf("corpus", "list")
    assert code == 0
    assert "corpus prepare NAME" in err
    assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
    first_words = {words(line)[0] for line in out.splitlines() if line[0] != " "}
    families = {f"{name}:{corpus.ARGUMENTS[name]}" for name in FAMILIES}
    assert first_words == {"name", *CORPORA, *families}
    line = next(line for line in out.splitlines() if line.startswith("eegmmidb"))
    assert words(line)[-6:] == ["ODC-By", "1.0", "109", "64", "160", "yes"]


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=lambda corpus: corpus.name)
def test_info_tells_all_about_a_corpus(get_hf, corpus):
    code, out, err = get_hf("corpus", "info", corpus.name)
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    for text in (corpus.licence, corpus.citation, corpus.description, corpus.size, corpus.reference, corpus.obtain):
        assert " ".join(text.split()) in said
    for own, condition in corpus.conditions.items():
        assert f"{own} is {condition}" in said
    assert ("may be shared yes" in said) == corpus.may_redistribute


def test_info_knows_families(get_hf):
    code, out, _ = get_hf("corpus", "info", "files:/data/*.edf")
    assert code == 0
    assert "all for training" in out


def test_a_corpus_is_prepared_with_its_card(get_hf, raw_data):
    code, out, err = get_hf("corpus", "prepare", "eegmmidb", "--data-dir", raw_data, "--out", "prepared")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert words(lines[1])[:5] == ["train", "1", "2", "2", "0.01"]
    assert words(lines[2])[:5] == ["validation", "1", "1", "1", "0.00"]
    assert words(lines[3])[:2] == ["subject", "session"]
    assert words(lines[4])[:2] == ["S002", "R02"]
    assert lines[-1] == "prepared"
    files = {str(path.relative_to("prepared")) for path in Path("prepared").rglob("*") if path.is_file()}
    assert {"README.md", "spectra.png", "dataset_info.json", "data/validation-00000-of-00001.parquet"} <= files
    assert os.listdir(".") == ["prepared"]


def test_without_usable_recordings_the_reasons_are_reported(get_hf, raw_data):
    pattern = f"files:{raw_data}/eegmmidb/S002/*.edf"
    code, out, err = get_hf("corpus", "prepare", pattern, "--out", "nothing")
    assert code == 2
    assert words(out.splitlines()[3])[:2] == ["S002", "S002R02.edf"]
    assert err == "get-hf: none of the 1 segments in nothing has any samples.\n"


def test_a_card_is_written_again(get_hf, prepared):
    before = (prepared / "README.md").read_text()
    (prepared / "README.md").write_text("x")
    code, out, err = get_hf("corpus", "card", prepared)
    assert (code, err) == (0, "")
    assert out.split() == [str(prepared / "README.md")]
    assert (prepared / "README.md").read_text() == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")
def test_a_prepared_corpus_is_pushed(get_hf, prepared, monkeypatch):
    with Hub() as hub:
        take_for_the_hub(monkeypatch, hub.url)
        code, out, err = get_hf("corpus", "push", prepared, "someone/eeg", "--private")
        assert (code, err) == (0, "")
        assert out.split() == [f"{hub.url}/datasets/someone/eeg"]
        assert hub.repositories["dataset", "someone/eeg"].private

        hub.failures["POST", "/commit/"] = 409
        (prepared / "README.md").write_text("---\nlicense: odc-by\n---\n")
        code, out, err = get_hf("corpus", "push", prepared, "someone/eeg")
        assert (code, out) == (2, "")
        assert err == "get-hf: The Hub refused someone/eeg (409): it is being changed by another upload: push again.\n"


def test_a_corpus_that_must_not_be_shared_is_not_pushed(get_hf, raw_data):
    pattern = f"files:{raw_data}/eegmmidb/S001/*.edf"
    assert get_hf("corpus", "prepare", pattern, "--out", "mine")[0] == 0
    code, out, err = get_hf("corpus", "push", "mine", "someone/mine")
    assert (code, out) == (2, "")
    assert "must not be published: its licence (unknown)" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "list, info, prepare, card, push"),
        (["info", "nothing"], "no corpus 'nothing'"),
        (["prepare", "nothing", "--out", "o"], "no corpus 'nothing'"),
        (["prepare", "eegmmidb"], "--out"),
        (["prepare", "eegmmidb", "--out", "o", "--data-dir", "nowhere"], "no folder nowhere"),
        (["prepare", "eegmmidb", "--out", "o", "--data-dir", "."], "put the folders S001 to S109"),
        (["prepare", "eegmmidb", "--out", "o", "--num-proc", "0"], "--num-proc"),
        (["prepare", "files:nothing*.edf", "--out", "o"], "no file matches"),
        (["card", "."], "not a prepared corpus"),
        (["push", ".", "someone/eeg"], "not a prepared corpus"),
        (["push", "."], "repo"),
    ],
)
def test_bad_requests_are_one_sentence_and_exit_code_2(get_hf, tmp_path, arguments, expected):
    code, out, err = get_hf("corpus", *arguments)
    assert code == 2
    assert out == "" or not arguments  # without a command the help is shown
    assert expected.lower() in err.lower()
    assert err.startswith("get-hf: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_errors_caused_by_an_interruption_count_as_an_interruption(get_hf, raw_data, monkeypatch):
    def interrupted(*_, **__):
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("a process that was waited for has died")

    monkeypatch.setattr("get_hf.training.data.prepared.prepare", interrupted)
    code, out, err = get_hf("corpus", "prepare", "eegmmidb", "--data-dir", raw_data, "--out", "o")
    assert (code, out, err) == (130, "", "get-hf: interrupted, o is as it was: the same command starts again.\n")


@pytest.mark.parametrize("num_proc", [1, 2])
def test_an_interrupted_preparation_goes_on_where_it_stopped(raw_data, tmp_path, num_proc):
    # enough to be in the middle of it
    source = raw_data / "eegmmidb/S001/S001R01.edf"
    for number in range(1, 80):
        path = tmp_path / f"raw/eegmmidb/S{number:03d}/S{number:03d}R01.edf"
        path.parent.mkdir(parents=True)
        path.symlink_to(source)
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-m", "get_hf", "corpus", "prepare", "eegmmidb", "--data-dir", str(tmp_path / "raw")]
    command += ["--out", "prepared", "--num-proc", str(num_proc)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # shells have what runs in the background ignore interrupts, and its children with it
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, cwd=work, start_new_session=True, preexec_fn=hear, **pipes)
    deadline = time.monotonic() + 300
    while not list(work.glob(".get-hf-prepare-prepared/recordings/*.arrow")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, ""), err
    kept = len(list(work.glob(".get-hf-prepare-prepared/recordings/*.arrow")))
    assert 0 < kept < 79
    assert err == (
        f"get-hf: interrupted, prepared is as it was, and {kept} recordings that are cleaned are kept: the same "
        "command goes on.\n"
    )
    subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
    assert [path.name for path in work.iterdir()] == ["prepared"]
