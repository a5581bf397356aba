# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The page over the network, by gradio's own client: one visitor, several, hostile ones."""

import re
import subprocess
import sys
import time
from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.io

pytest.importorskip("gradio")
import gradio_client
import httpx

from get_hf import save_recording
from get_hf.space import app, disk
from get_hf.space.page import EXAMPLE, UPLOAD
from synthetic import make_raw

WISHES = {"condition": "", "next_condition": "eyes_closed", "seconds": 2.0, "temperature": 1.0, "guidance": 1.0}


@pytest.fixture(scope="module")
def served(page):
    """The page, and its address."""
    blocks = app.serve(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield blocks.local_url
    blocks.close()


@pytest.fixture
def visitor(served, tmp_path):
    return gradio_client.Client(served, verbose=False, download_files=str(tmp_path / "client"))


def wishes(**changes) -> list:
    return [[], *(WISHES | {"seed": 0} | changes).values()]


def text(message: str) -> str:
    return re.sub("<[^>]+>", "", message)


def downloaded(result) -> list[Path]:
    return [Path(file["value"] if isinstance(file, dict) else file) for file in result[-3:]]


def test_a_whole_session(page, visitor, tmp_path, monkeypatch):
    save_recording(make_raw(), tmp_path / "night <b>.edf")
    upload = gradio_client.handle_file(tmp_path / "night <b>.edf")
    result = visitor.predict(UPLOAD, upload, *wishes(), api_name="/generate")
    assert text(result[0]).startswith("Generated 2 s in")
    edf, _fif, png = downloaded(result)
    continued = mne.io.read_raw(edf, verbose="ERROR")
    assert continued.n_times == (12 + 2) * 160
    assert "GET generated" in continued.annotations.description
    assert png.read_bytes().startswith(b"\x89PNG")
    kept = [file for file in page.disk.files.rglob("*") if file.is_file() and file.stat().st_size]
    assert {file.suffix for file in kept} == {".edf", ".fif", ".json", ".png"}
    monkeypatch.setattr(disk, "KEPT_SECONDS", -1)
    monkeypatch.setattr(disk, "SWEEP_SECONDS", -1)
    page.disk.sweep()  # what the page does after that time
    assert list(page.disk.files.rglob("*")) == []


def unreadable(folder: Path) -> Path:
    """An upload that no reader understands."""
    path = folder / "poison.edf"
    path.write_bytes(b"0       " + bytes(range(256)) * 40)
    return path


def deadly(folder: Path) -> Path:
    """A file of EEGLAB with a number of a type that there is not: SciPy ends the process that reads it."""
    places = np.array([("C3", 0.1, 0.2, 0.3)], dtype=[(name, "O") for name in ("labels", "X", "Y", "Z")])
    eeg = {"srate": 160.0, "nbchan": 1, "trials": 1, "pnts": 800, "xmin": 0.0, "xmax": 5.0, "setname": "x"}
    eeg |= {"data": np.ones((1, 800), np.float32), "chanlocs": places, "event": [], "ref": "common"}
    eeg |= {"icawinv": [], "icaweights": [], "icasphere": []}
    path = folder / "poison.set"
    scipy.io.savemat(path, {"EEG": eeg}, appendmat=False)
    path.write_bytes(path.read_bytes().replace(b"\x09\0\0\0\x08\0\0\0", b"\x09\x01\0\0\x08\0\0\0"))
    read = "import sys, get_hf\ntry: get_hf.load_recording(sys.argv[1])\nexcept ValueError: pass"
    if subprocess.run([sys.executable, "-c", read, path], check=False, capture_output=True).returncode < 0:
        pytest.skip("recordings are parsed in the process that asks for them")
    return path


@pytest.mark.parametrize("poison", [unreadable, deadly])
def test_a_poisoned_upload_changes_nothing_for_another(served, visitor, poison, tmp_path):
    poison = gradio_client.handle_file(poison(tmp_path))
    another = gradio_client.Client(served, verbose=False, download_files=str(tmp_path / "another"))
    alone = visitor.predict(EXAMPLE, None, *wishes(seconds=20.0), api_name="/generate")

    job = visitor.submit(EXAMPLE, None, *wishes(seconds=20.0), api_name="/generate")
    while not job.outputs():
        time.sleep(0.01)
    refused = another.predict(UPLOAD, poison, *wishes(), api_name="/generate")
    beside = job.result(timeout=120)

    assert 'class="get-message error"' in refused[0]
    assert text(refused[0]).startswith("poison.")
    assert text(refused[0]).count(". ") == 0  # one sentence
    assert text(beside[0]).startswith("Generated 20 s in")
    first, second = (mne.io.read_raw(downloaded(result)[1], verbose="ERROR") for result in (alone, beside))
    np.testing.assert_array_equal(first.get_data(), second.get_data())


def post(address: str, megabytes: float, name: str = "x.edf", **headers) -> httpx.Response:
    files = {"files": (name, bytes(int(megabytes * 1e6)))}
    return httpx.post(f"{address}gradio_api/upload", files=files, headers=headers, timeout=60)


def test_uploads_beyond_the_quota_are_refused_before_they_are_written(page, served, monkeypatch):
    monkeypatch.setattr(disk, "USER_MEGABYTES", 3)
    own = {"X-Forwarded-For": "192.0.2.7"}  # of a user who has nothing here yet
    first = post(served, 2, "first.edf", **own)
    assert first.status_code == 200
    second = post(served, 2, "second.edf", **own)
    assert (second.status_code, list(page.disk.files.rglob("second.edf"))) == (413, [])
    assert re.match(r"With 2\.0 MB more, your files would exceed 3 MB: remove a recording", second.text)
    page.disk.delete(first.json()[0])
    assert post(served, 2, "third.edf", **own).status_code == 200


def test_requests_that_no_page_sends_are_refused_unread(page, served):
    before = set(page.disk.files.rglob("*"))
    assert post(served, 52).status_code == 413
    many = [("files", (f"{number}.edf", bytes(10_000_000))) for number in range(6)]
    assert httpx.post(f"{served}gradio_api/upload", files=many).status_code == 413
    assert httpx.post(f"{served}gradio_api/queue/join", content=bytes(2_000_000)).status_code == 413
    unending = httpx.post(f"{served}gradio_api/upload", content=iter([b"a", b"b"]))
    assert unending.status_code == 411
    film = {"video": ("x.mp4", b"film")}
    assert httpx.post(f"{served}gradio_api/process_recording", files=film).status_code == 404
    assert set(page.disk.files.rglob("*")) == before
