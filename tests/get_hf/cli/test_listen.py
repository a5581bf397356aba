# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf listen`: from a file and from a stream of the Lab Streaming Layer, to tables, annotations and a stream."""

import csv
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mne
import numpy as np
import pytest
from rich.console import Console

from classifiers import save_classifier
from get_hf import load_pretrained, load_recording, save_recording
from get_hf.cli import listen as command
from get_hf.scoring import fit_reference, score_recording
from synthetic import make_raw

#: Seconds until a process has imported torch and is ready.
PATIENCE = 120


@pytest.fixture
def listen(get_hf, tiny_checkpoint):
    """Runs `get-hf listen` with the tiny model."""
    return lambda *arguments: get_hf("listen", *arguments, "--checkpoint", tiny_checkpoint)


def with_burst(path: str, seconds: float = 45.0) -> mne.io.BaseRaw:
    raw = make_raw(seconds, seed=2)
    raw._data[:, 160 * 30 : 160 * 33] *= 8
    save_recording(raw, path)
    return raw


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_is_scored_as_by_score(listen, get_hf, tiny_checkpoint, tmp_path):
    with_burst("a.edf")
    save_classifier(tmp_path / "classifier")
    code, out, err = listen(
        "--file", "a.edf", "--speed", 0, "--reference-seconds", 20, "--csv", "a.csv", "--annotations", "events.csv",
        "--classifier", "classifier", "--lookahead", 4,
    )  # fmt: skip
    assert code == 0, err
    assert "45 s heard; 1 unusual moments" in out
    assert "note: at 20.00 s: what is usual is known" in err
    assert "25.00 s  surprise" in out
    assert "left 0." in out
    code, _, err = get_hf(
        "score", "a.edf", "--reference-span", "0:20", "--out", "offline.csv", "--checkpoint", tiny_checkpoint
    )
    assert code == 0, err
    (ours,), (theirs,) = rows_of("events.csv"), rows_of("offline.csv")
    assert (ours["onset"], ours["duration"]) == (theirs["onset"], theirs["duration"])
    assert float(ours["score"]) == pytest.approx(float(theirs["score"]), rel=0.01)
    rows = rows_of("a.csv")
    assert len(rows) == 4 * 25
    assert list(rows[0]) == ["seconds", "time", "surprise", "p(left)", "p(right)", *make_raw().ch_names, "note"]
    raw, pair = load_recording("a.edf"), load_pretrained(tiny_checkpoint)
    offline = score_recording(raw, *pair, fit_reference(raw, *pair, (0.0, 20.0)))
    channels = np.array([[float(row[name]) for name in raw.ch_names] for row in rows])
    np.testing.assert_allclose(channels.T, offline.channels[:, 80:], atol=0.02, rtol=0.02)
    shares = [float(row["p(left)"]) + float(row["p(right)"]) for row in rows if row["p(left)"]]
    assert len(shares) == 25
    np.testing.assert_allclose(shares, 1, atol=1e-4)
    assert rows[0]["note"] == "what is usual is known"


def test_a_reference_in_another_file_and_annotations_of_szcore(listen):
    with_burst("a.edf")
    save_recording(make_raw(40.0, seed=5), "rest.edf")
    code, out, err = listen(
        "--file", "a.edf", "--speed", 0, "--reference", "rest.edf", "--annotations", "a.tsv", "--seconds", 35
    )
    assert code == 0, err
    assert "35 s heard" in out
    header, event = Path("a.tsv").read_text().splitlines()
    assert header.startswith("onset\tduration\teventType")
    assert event.endswith("1985-01-01 00:00:00\t35.00")
    assert float(event.split("\t")[0]) == pytest.approx(30, abs=1)


def test_the_clock_sets_the_pace(listen):
    with_burst("a.edf", 20.0)
    began = time.monotonic()
    code, _, err = listen("--file", "a.edf", "--speed", 4, "--reference-seconds", 12, "--csv", "a.csv")
    assert code == 0, err
    assert time.monotonic() - began > 5
    assert len(rows_of("a.csv")) == 32


def test_the_terminal_shows_a_view(listen, monkeypatch):
    console = Console(record=True, width=100, force_terminal=True, file=open(os.devnull, "w"))  # noqa: SIM115
    monkeypatch.setattr(command, "stdout", console)
    with_burst("a.edf", 25.0)
    code, _, err = listen("--file", "a.edf", "--speed", 5, "--reference-seconds", 12, "--forecast", 1)
    assert code == 0, err
    shown = console.export_text()
    assert "get-hf listen  a.edf" in shown
    assert "8 channels at 160 Hz" in shown
    assert "learns what is usual" in shown
    assert "findings up to 0:25" in shown
    assert "forecast of Fp1" in shown
    assert "25.00 s  surprise" not in shown


def test_what_stops_in_between_writes_nothing(listen):
    raw = with_burst("a.edf")
    raw._data[:] *= 1e-4
    raw.save("quiet_raw.fif", verbose="ERROR")
    code, _, err = listen("--file", "quiet_raw.fif", "--speed", 0, "--reference-seconds", 20, "--csv", "a.csv")
    assert code == 2
    assert len([line for line in err.splitlines() if line.startswith("get-hf: ")]) == 1
    assert not Path("a.csv").exists()


def test_ctrl_c_ends_it_and_files_are_complete(tiny_checkpoint, tmp_path):
    with_burst(str(tmp_path / "a.edf"))
    arguments = ["--file", "a.edf", "--speed", "4", "--reference-seconds", "12", "--csv", "a.csv"]
    call = [sys.executable, "-m", "get_hf", "listen", *arguments, "--annotations", "a.json"]
    with subprocess.Popen(
        [*call, "--checkpoint", str(tiny_checkpoint)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    ) as process:  # fmt: skip
        lines = iter(process.stdout.readline, "")
        for line in lines:
            if line.startswith("16.00 s"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted, and all that was heard is written" in err
    assert "heard;" in out
    rows = rows_of(str(tmp_path / "a.csv"))
    assert 16 <= len(rows) < 4 * 33
    assert '"events"' in (tmp_path / "a.json").read_text()
    assert not list(tmp_path.glob(".get-hf*"))


class TestLSL:
    @pytest.fixture
    def name(self) -> str:
        return f"CAP-{os.getpid()}-{time.monotonic_ns()}"

    @staticmethod
    def outlet(name: str, unit: str = "millivolts"):
        lsl = pytest.importorskip("mne_lsl.lsl")
        info = lsl.StreamInfo(name, "EEG", 9, 160.0, "float32", name)
        info.set_channel_names([*make_raw().ch_names, "TRIG"])
        info.set_channel_types(["eeg"] * 8 + ["stim"])
        info.set_channel_units([unit] * 9)
        return lsl.StreamOutlet(info)

    @staticmethod
    def send(outlet, samples: np.ndarray, start: float, stopped: threading.Event, speed: float) -> None:
        """Sends samples `(channels, times)` in millivolts, faster than their time stamps say."""
        for at in range(0, samples.shape[-1], 16):
            block = np.ascontiguousarray(samples[:, at : at + 16].T, np.float32)
            outlet.push_chunk(block, start + (at + len(block) - 1) / 160.0)
            if stopped.wait(16 / 160.0 / speed):
                return

    def test_from_a_stream_to_a_stream(self, tiny_checkpoint, tmp_path, name):
        lsl = pytest.importorskip("mne_lsl.lsl")
        raw = with_burst(str(tmp_path / "a.edf"))
        save_classifier(tmp_path / "classifier")
        samples = np.vstack([1e3 * raw.get_data(), np.zeros(raw.n_times)])
        outlet, stopped = self.outlet(name), threading.Event()
        arguments = ["--lsl", name, "--reference-seconds", "20", "--csv", "a.csv", "--to-lsl", f"{name}-found"]
        call = [sys.executable, "-m", "get_hf", "listen", *arguments, "--classifier", "classifier", "--seconds", "40"]
        with subprocess.Popen(
            [*call, "--checkpoint", str(tiny_checkpoint), "--lookahead", "4"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        ) as process:  # fmt: skip
            try:
                assert outlet.wait_for_consumers(PATIENCE)
                (found,) = lsl.resolve_streams(timeout=PATIENCE, name=f"{name}-found", minimum=1)
                inlet = lsl.StreamInlet(found, recover=False)
                inlet.open_stream(timeout=60)
                about, start = inlet.get_sinfo(), lsl.local_clock()
                sender = threading.Thread(target=self.send, args=(outlet, samples, start, stopped, 8.0))
                sender.start()
                got, stamps = [], []
                while process.poll() is None or not got:
                    try:
                        values, at = inlet.pull_sample(timeout=0.5)
                    except RuntimeError:
                        break
                    if at is not None and len(values):
                        got.append(np.array(values))  # an inlet uses its memory again
                        stamps.append(at)
                out, err = process.communicate(timeout=PATIENCE)
            finally:
                stopped.set()
                process.kill()
        sender.join()
        assert process.returncode == 0, err
        assert "40 s heard; 1 unusual moments" in out
        assert about.get_channel_names() == ["surprise", "left", "right"]
        rows = rows_of(str(tmp_path / "a.csv"))
        assert len(rows) == 80 == len(got)
        np.testing.assert_allclose(
            [float(values[0]) for values in got], [float(row["surprise"]) for row in rows], rtol=1e-3
        )
        # time stamps are those of the amplifier
        np.testing.assert_allclose(np.array(stamps) - start, 20.25 + np.arange(80) / 4, atol=0.01)
        # and what was heard is what was sent
        pair = load_pretrained(tiny_checkpoint)
        offline = score_recording(raw, *pair, fit_reference(raw, *pair, (0.0, 20.0))).channels[:, 80:160]
        channels = np.array([[float(row[each]) for each in raw.ch_names] for row in rows]).T
        np.testing.assert_allclose(channels[:, :60], offline[:, :60], atol=0.05, rtol=0.05)

    def test_a_stream_that_comes_back_is_heard_again(self, tiny_checkpoint, tmp_path, name):
        lsl = pytest.importorskip("mne_lsl.lsl")
        raw = make_raw(60.0, seed=2)
        samples = np.vstack([1e3 * raw.get_data(), np.zeros(raw.n_times)])
        stopped = threading.Event()
        call = [sys.executable, "-m", "get_hf", "listen", "--lsl", name, "--reference-seconds", "12", "--csv", "a.csv"]
        outlet = self.outlet(name)
        with subprocess.Popen(
            [*call, "--checkpoint", str(tiny_checkpoint), "--seconds", "40"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        ) as process:  # fmt: skip
            try:
                assert outlet.wait_for_consumers(PATIENCE)
                start = lsl.local_clock()
                self.send(outlet, samples[:, : 160 * 20], start, stopped, 8.0)
                time.sleep(1.0)  # what is in the buffer of the outlet
                del outlet
                gc.collect()  # an outlet that is deleted ends only then
                outlet = self.outlet(name)
                assert outlet.wait_for_consumers(PATIENCE)
                self.send(outlet, samples[:, 160 * 30 : 160 * 55], start + 30, stopped, 8.0)
                out, err = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        assert process.returncode == 0, err
        assert "the stream was lost" in err
        assert "the stream is there again" in err
        assert "heard;" in out
        seconds = np.array([float(row["seconds"]) for row in rows_of(str(tmp_path / "a.csv"))])
        assert seconds[0] == 12
        assert seconds[-1] == pytest.approx(49.75, abs=0.3)
        assert not ((seconds > 20) & (seconds < 29.9)).any()
        assert np.max(np.diff(seconds)) == pytest.approx(10, abs=0.6)
