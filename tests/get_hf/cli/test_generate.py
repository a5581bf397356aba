# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The `get-hf` command, in this process: what it writes, what it prints where, and what it refuses how."""

import json
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError

import mne
import numpy as np
import pytest
import torch

from get_hf import GETConfig, GETModel, load_pretrained, save_recording
from get_hf.cli import console
from get_hf.cli import info as info_command
from synthetic import make_raw


@pytest.fixture
def generate(get_hf, tiny_checkpoint):
    """Runs `get-hf generate` with the tiny model."""
    return lambda *arguments: get_hf("generate", *arguments, "--checkpoint", tiny_checkpoint)


@pytest.mark.parametrize("suffix", [".edf", ".fif"])
def test_a_recording_is_continued(generate, recording, tmp_path, suffix):
    code, out, err = generate(recording, "--seconds", 2, "--out", f"c{suffix}", "--plot", "c.png")

    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [f"c{suffix}", "c.png"]
    assert "alpha peak" in out
    given = mne.io.read_raw(recording, verbose="ERROR")
    continued = mne.io.read_raw(tmp_path / f"c{suffix}", preload=True, verbose="ERROR")
    assert continued.ch_names == given.ch_names
    assert continued.info["sfreq"] == given.info["sfreq"]
    assert continued.n_times == given.n_times + 2 * 160
    assert continued.annotations.description.tolist() == ["GET generated"]
    assert continued.annotations.onset == pytest.approx([12.0])
    assert continued.annotations.duration == pytest.approx([2.0])
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_generated_eeg_can_be_continued(generate, recording):
    assert generate(recording, "--seconds", 1, "--out", "one.edf")[0] == 0
    assert generate("one.edf", "--seconds", 1, "--out", "two.edf")[0] == 0
    assert mne.io.read_raw("two.edf", verbose="ERROR").annotations.onset == pytest.approx([12.0, 13.0])


@pytest.mark.parametrize("suffix", [".edf", ".fif"])
def test_the_file_says_what_is_generated_and_names_the_person_only_on_request(generate, tmp_path, suffix):
    raw = make_raw().set_meas_date(datetime(2020, 5, 6, tzinfo=UTC))
    raw.info["subject_info"] = {"last_name": "Doe", "his_id": "doe-17"}
    raw.save(tmp_path / "jane_raw.fif")
    out = tmp_path / f"o{suffix}"
    for option, is_told in (("--seed=3", False), ("--keep-identity", True)):
        assert generate("jane_raw.fif", "--seconds", 1, "--out", out.name, "--condition", "feet", option)[0] == 0
        told = json.loads((tmp_path / "o.json").read_text())
        assert told["generated"] == [{"onset": 12.0, "duration": 1.0}]
        assert (told["seed"], told["condition"]) == (0 if is_told else 3, "feet")
        assert b"12.000" in out.read_bytes()
        assert (b"doe" in out.read_bytes().lower()) == is_told
        assert str(tmp_path) not in json.dumps(told)
        back = mne.io.read_raw(out, verbose="ERROR")
        assert (back.info["meas_date"] == raw.info["meas_date"]) == is_told


def test_contents_that_a_format_cannot_hold_are_refused_before_the_work(generate, monkeypatch, tmp_path):
    monkeypatch.setattr(GETModel, "generate", lambda *_, **__: pytest.fail("generated first"))
    make_raw(ch_names=["EEG C3 - (A1+A2)/2", "Cz"]).save(tmp_path / "long_raw.fif")
    (tmp_path / "mine.json").write_text("{}")
    for arguments, said in (
        (["long_raw.fif", "--out", "o.edf"], "not EEG C3 - (A1+A2)/2: write .fif or .npz"),
        (["--channels", "EEG C3 - (A1+A2)/2", "--out", "o.edf"], "not EEG C3 - (A1+A2)/2: write .fif or .npz"),
        (["--out", "mine.edf"], "but get-hf did not write that file"),
    ):
        code, _, err = generate(*arguments, "--seconds", 1)
        assert code == 2
        assert said in err
        assert err.count("\n") == 1
    assert (tmp_path / "mine.json").read_text() == "{}"
    assert not list(tmp_path.glob("*.edf"))


def test_from_nothing_the_10_20_system_is_generated(generate):
    code, _, _ = generate("--condition", "eyes_closed", "--seconds", 3, "--out", "n.npz", "--plot", "n.pdf")
    assert code == 0
    with np.load("n.npz") as npz:
        assert npz["data"].shape == (20, 300)
        assert npz["sampling_rate"] == 100.0
        assert npz["onset"] == [0.0]
        assert {"Cz", "O1"} <= set(npz["ch_names"])


def test_channels_can_be_chosen(generate):
    assert generate("--channels", "Fz, T3,FP1-F7", "--seconds", 1, "--out", "n.npz")[0] == 0
    assert np.load("n.npz")["ch_names"].tolist() == ["Fz", "T3", "FP1-F7"]


def test_channels_of_a_recording_can_be_chosen(generate, recording):
    assert generate(recording, "--channels", "O1,fz", "--seconds", 1, "--out", "n.npz")[0] == 0
    assert np.load("n.npz")["ch_names"].tolist() == ["Fz..", "O1.."]


def samples(generate, *arguments) -> np.ndarray:
    assert generate(*arguments, "--seconds", 2, "--out", "s.npz")[0] == 0
    with np.load("s.npz") as npz:
        return npz["data"]


def test_the_same_seed_gives_the_same_samples(generate, recording):
    first = samples(generate, recording, "--seed", 1)
    np.testing.assert_array_equal(samples(generate, recording, "--seed", 1), first)
    other = samples(generate, recording, "--seed", 2)
    seam, reach = 12 * 160, 16  # samples; resampling to the recording's rate looks a little ahead
    np.testing.assert_allclose(other[:, : seam - reach], first[:, : seam - reach], atol=0.05)
    assert np.abs(other - first)[:, seam:].max() > 1


def test_from_nothing_the_seed_draws_the_person_too(generate, tiny_checkpoint):
    made = samples(generate, "--channels", "Cz,Oz", "--seed", 3)
    model, extractor = load_pretrained(tiny_checkpoint)
    for person, same in ((3, True), (4, False)):
        features = extractor(ch_names=["Cz", "Oz"], person=person)
        generated = model.generate(**features, seconds=2, generator=torch.Generator().manual_seed(3))
        (expected,) = extractor.decode(generated, features, output="array")
        assert np.allclose(made, expected, atol=1e-3) is same


def received_by(monkeypatch) -> dict:
    """What the model is called with, once it is."""
    received = {}
    original = GETModel.generate

    def spy(self, **kwargs):
        received.update(kwargs)
        return original(self, **kwargs)

    monkeypatch.setattr(GETModel, "generate", spy)
    return received


@pytest.mark.parametrize(
    "option",
    [
        ("--temperature", 0.3),
        ("--num-flow-steps", 1),
        ("--condition", "eyes_open"),
        ("--condition", "eyes_closed", "--guidance", 3),
    ],
)
def test_options_reach_the_model(monkeypatch, generate, option):
    received = received_by(monkeypatch)
    samples(generate, *option)
    name, value = option[-2:]
    if name == "--condition":
        assert received["condition_ids"].unique().tolist() == [2]
    else:
        assert received[{"--guidance": "guidance_scale"}.get(name, name[2:].replace("-", "_"))] == value


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ((), {0}, [0]),
        (("--condition", "Eyes-Open"), {0}, [2]),
        (("--prompt-condition", "rest"), {1}, [1]),
        (("--prompt-condition", "rest", "--condition", "eyes_open", "--guidance", 2), {1}, [2]),
        (("--prompt-condition", "rest", "--plan", "eyes_open:0.5, left fist:4"), {1}, [2, 2, 4]),
        (("--plan", "rest:1", "--guidance", 2), {0}, [1]),
    ],
)
def test_the_condition_of_the_recording_and_the_next_condition_are_separate(
    monkeypatch, generate, tmp_path, options, before, after
):
    save_recording(make_raw(seconds=3.0, ch_names=["C3", "C4"]), tmp_path / "short.edf")
    received = received_by(monkeypatch)
    samples(generate, "short.edf", *options)
    (ids,) = received["condition_ids"].tolist()
    n_before = received["input_values"].shape[-1] // 25 - 1
    assert (set(ids[:n_before]), ids[n_before:]) == (before, after)


def test_from_nothing_a_plan_is_what_is_generated(monkeypatch, generate):
    received = received_by(monkeypatch)
    samples(generate, "--plan", "eyes_open:0.5,left_fist:4")
    assert received["condition_ids"].tolist() == [[2, 2, 4]]


def test_a_channel_that_is_not_eeg_is_noted(generate, tmp_path):
    save_recording(make_raw(ch_names=["C3", "C4", "ECG"]), tmp_path / "x.edf")
    code, _, err = generate("x.edf", "--seconds", 1, "--out", "c.edf")
    assert code == 0
    assert err == "note: x.edf: left out what is not scalp EEG: ECG.\n"


def test_only_the_part_of_a_long_recording_that_the_model_sees_is_read(monkeypatch, generate, tmp_path):
    save_recording(make_raw(seconds=60.0, ch_names=["C3", "C4"]), tmp_path / "long.edf")
    long = samples(generate, "long.edf")
    monkeypatch.setattr(GETConfig, "context_seconds", None)
    np.testing.assert_allclose(samples(generate, "long.edf"), long, atol=1e-3)


@pytest.mark.parametrize("unit", ["microvolts", "\N{GREEK SMALL LETTER MU}V", "uV"])
def test_a_unit_is_read_in_any_spelling(generate, recording, unit):
    assert generate(recording, "--seconds", 0.25, "--out", "o.edf", "--unit", unit)[0] == 0


REFUSALS = {
    "no such file": (["missing.edf", "--seconds", "2", "--out", "o.edf"], "no recording at missing.edf"),
    "not EEG": (["text.edf", "--seconds", "2", "--out", "o.edf"], "is not an EDF or BDF file"),
    "unknown format": (["text.xyz", "--seconds", "2", "--out", "o.edf"], "not a recording that can be read"),
    "no EEG channels": (["ecg.edf", "--seconds", "2", "--out", "o.edf"], "no EEG channels"),
    "unknown channel": (["odd.edf", "--seconds", "2", "--out", "o.edf"], "'Qx9'"),
    "shorter than a patch": (["short.edf", "--seconds", "2", "--out", "o.edf"], "shorter than one patch"),
    "flat": (["flat.edf", "--seconds", "2", "--out", "o.edf"], "flat"),
    "microvolts as volts": (["loud.fif", "--seconds", "2", "--out", "o.edf"], "perhaps microvolts"),
    "NaN": (["nan.fif", "--seconds", "2", "--out", "o.edf"], "NaN"),
    "negative length": (["--seconds", "-1", "--out", "o.edf"], "-1 is not a positive number"),
    "no length": (["--seconds", "0", "--out", "o.edf"], "0 is not a positive number"),
    "endless": (["--seconds", "inf", "--out", "o.edf"], "inf is not a positive number"),
    "length is text": (["--seconds", "soon", "--out", "o.edf"], "--seconds"),
    "no output": (["--seconds", "2"], "--out"),
    "unknown suffix": (["--seconds", "2", "--out", "o.wav"], "must end in .edf, .fif, .npz"),
    "nowhere": (["--seconds", "2", "--out", "nowhere/o.edf"], "nowhere does not exist"),
    "picture suffix": (["--seconds", "2", "--out", "o.edf", "--plot", "o.gif"], "must end in .png"),
    "onto itself": (["good.edf", "--seconds", "2", "--out", "good.edf"], "replace the recording itself"),
    "unknown condition": (["--seconds", "2", "--out", "o.edf", "--condition", "asleep"], "eyes_closed"),
    "unknown electrode": (["--seconds", "2", "--out", "o.edf", "--channels", "Fz,Qz"], "'Qz'"),
    "channels of a recording": (
        ["good.edf", "--seconds", "2", "--out", "o.edf", "--channels", "F7"],
        "no channel F7, only Fp1., Fz..",
    ),
    "unit of nothing": (["--seconds", "2", "--out", "o.edf", "--unit", "mV"], "--unit mV is the unit of a recording"),
    "wrong unit": (["good.edf", "--seconds", "2", "--out", "o.edf", "--unit", "V"], "declared, or stored, as volts"),
    "no unit": (
        ["good.edf", "--seconds", "2", "--out", "o.edf", "--unit", "furlong"],
        "Invalid value for '--unit': 'furlong' is no unit of voltage",
    ),
    "guidance to nothing": (["--seconds", "2", "--out", "o.edf", "--guidance", "2"], "--condition"),
    "two that come next": (
        ["good.edf", "--seconds", "2", "--out", "o.edf", "--condition", "rest", "--plan", "rest:2"],
        "both say what comes next: give one",
    ),
    "prompt of nothing": (["--seconds", "2", "--out", "o.edf", "--prompt-condition", "rest"], "none was given"),
    "no plan": (["--seconds", "2", "--out", "o.edf", "--plan", "rest"], "'rest', which is not CONDITION:SECONDS"),
    "empty plan": (["--seconds", "2", "--out", "o.edf", "--plan", ""], "'', which is not CONDITION:SECONDS"),
    "unknown in a plan": (["--seconds", "2", "--out", "o.edf", "--plan", "asleep:2"], "'asleep' is not a condition"),
    "too short in a plan": (["--seconds", "2", "--out", "o.edf", "--plan", "rest:0.1,feet:2"], "lasts 0.1 s"),
    "temperature": (["--seconds", "2", "--out", "o.edf", "--temperature", "-1"], "-1 is not a positive"),
    "flow steps": (["--seconds", "2", "--out", "o.edf", "--num-flow-steps", "0"], "--num-flow-steps"),
    "seed": (["--seconds", "2", "--out", "o.edf", "--seed", "-1"], "--seed"),
    "a day is enough": (
        ["--seconds", "1e6", "--out", "o.edf"],
        "1e+06 is more than 86400: all of it",
    ),
    "deafening": (["--seconds", "2", "--out", "o.edf", "--temperature", "11"], "11 is more than 10: noise"),
    "caricature": (
        ["--seconds", "2", "--out", "o.edf", "--condition", "eyes_open", "--guidance", "21"],
        "21 is more than 20: so far beyond",
    ),
    "endless steps": (["--seconds", "2", "--out", "o.edf", "--num-flow-steps", "1001"], "--num-flow-steps"),
    "no such device": (
        ["--seconds", "2", "--out", "o.edf", "--device", "tpu"],
        "'tpu' is not a device: choose",
    ),
    "name too long for EDF": (["long.fif", "--seconds", "2", "--out", "o.edf"], "up to 16 characters, not EEG Fp1-"),
    "unknown option": (["--seconds", "2", "--out", "o.edf", "--loud"], "--loud"),
}


@pytest.fixture(scope="module")
def bad_recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    for name in ("text.edf", "text.xyz"):
        (folder / name).write_text("no EEG at all\n" * 50)
    save_recording(make_raw(), folder / "good.edf")
    save_recording(make_raw(ch_names=["ECG"]), folder / "ecg.edf")
    save_recording(make_raw(ch_names=["C3", "Qx9"]), folder / "odd.edf")
    save_recording(make_raw(seconds=0.2), folder / "short.edf")
    save_recording(make_raw(ch_names=["EEG Fp1-(A1+A2)/2", "C3"]), folder / "long.fif")
    for name, change in {
        "flat.edf": lambda data: 0 * data,
        "loud.fif": lambda data: 1e6 * data,
        "nan.fif": lambda data: np.where(data == data.max(), np.nan, data),
    }.items():
        raw = make_raw()
        raw._data = change(raw._data)
        save_recording(raw, folder / name)
    return folder


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_input_is_one_sentence_and_exit_code_2(generate, bad_recordings, monkeypatch, case):
    monkeypatch.chdir(bad_recordings)
    before = {file: file.read_bytes() for file in bad_recordings.iterdir()}
    arguments, expected = REFUSALS[case]

    code, out, err = generate(*arguments)

    assert (code, out) == (2, "")
    assert expected in err
    assert err.startswith("get-hf: ")
    assert err.count("\n") == 1
    assert {file: file.read_bytes() for file in bad_recordings.iterdir()} == before


@pytest.mark.parametrize(
    ("device", "expected"),
    [("cuda", "finds no CUDA GPU"), ("cuda:1", "finds no CUDA GPU"), ("mps", "Apple's own chips")],
)
def test_a_missing_device_is_reported(generate, monkeypatch, device, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    code, _, err = generate("--seconds", 2, "--out", "o.edf", "--device", device)
    assert code == 2
    assert expected in err
    assert "choose cpu" in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["generate", "--seconds", "2", "--out", "o.edf", "--checkpoint", "./missing"],
            "no checkpoint at ./missing",
        ),
        (["generate", "--seconds", "2", "--out", "o.edf", "--checkpoint", "."], "cannot be loaded"),
        (["evaluate", "./missing", "--data", ".", "--out", "report"], "no checkpoint at ./missing"),
        (["evaluate", ".", "--data", "nowhere", "--out", "report"], "no folder nowhere"),
        (["calibrate", ".", "--data", "nowhere"], "no folder nowhere"),
        (["calibrate", "missing", "--data", "."], "no folder missing"),
        (["evaluate", ".", "--data", ".", "--out", "report", "--split", "train"], "'--split': 'train' is not"),
        (
            ["evaluate", ".", "--data", ".", "--out", "report", "--card", "none.md"],
            "no model card at none.md",
        ),
        (["evaluate", ".", "--data", ".", "--out", "report", "--device", "gpu"], "'gpu' is not a device"),
        (["evaluate", ".", "--data", ".", "--out", __file__], "test_generate.py is a file"),
        (["pretrain", "missing.yaml"], "no recipe at missing.yaml"),
        (["pretrain", "missing.yaml", "fast"], "'fast' is not KEY=VALUE"),
        (["pretrain"], "recipe"),
        (["dance"], "dance"),
    ],
)
def test_bad_requests_are_one_sentence_and_exit_code_2(get_hf, tmp_path, arguments, expected):
    code, out, err = get_hf(*arguments)
    assert (code, out) == (2, "")
    assert expected.lower() in err.lower()
    assert err.startswith("get-hf: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["get_hf.cli.generate.save_recording", "get_hf.plotting.plot_generation"])
def test_a_failure_while_writing_leaves_nothing_behind(generate, monkeypatch, tmp_path, failing):
    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(failing, fail)
    code, _, err = generate("--seconds", 2, "--out", "o.edf", "--plot", "o.png")
    assert (code, err) == (2, "get-hf: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def test_interrupting_leaves_nothing_behind(generate, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(GETModel, "generate", interrupt)
    assert generate("--seconds", 2, "--out", "o.edf")[0] == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["pretrain", "recipe.yaml"],
        ["calibrate", ".", "--data", "."],
        ["evaluate", ".", "--data", ".", "--out", "r"],
        ["corpus", "prepare", "eegmmidb", "--out", "o"],
        ["corpus", "card", "o"],
        ["corpus", "push", "o", "someone/eeg"],
    ],
)
def test_without_the_extra_the_command_says_what_to_install(get_hf, monkeypatch, command):
    def version(package: str) -> str:
        if package == "datasets":
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(console, "version", version)
    code, _, err = get_hf(*command)
    assert (code, err) == (2, 'get-hf: datasets is not installed: pip install "get-hf[train]"\n')


def test_info_shows_checkpoint_corpora_licences_and_versions(get_hf, monkeypatch, tiny_checkpoint):
    monkeypatch.setattr(info_command, "CHECKPOINT", tiny_checkpoint)
    code, out, err = get_hf("info")
    assert (code, err) == (0, "")
    for text in (
        str(tiny_checkpoint),
        "eyes_closed",
        "eegmmidb",
        "ODC-By 1.0",
        "Apache-2.0",
        "transformers 5",
        "eyes_open, eyes_closed; windows of 2 s",
        "trained on FC5, FC3",
    ):
        assert text in out


def test_without_a_command_the_help_is_shown(get_hf):
    code, out, err = get_hf()
    assert code == 2
    assert "generate" in out + err


def test_a_real_recording_is_continued(generate, eyes_closed, tmp_path):
    assert generate(eyes_closed, "--seconds", 2, "--out", "c.edf", "--plot", "c.png")[0] == 0
    continued = mne.io.read_raw(tmp_path / "c.edf", verbose="ERROR")
    assert continued.ch_names == mne.io.read_raw(eyes_closed, verbose="ERROR").ch_names
    seam = continued.annotations.onset[continued.annotations.description == "GET generated"]
    assert seam == pytest.approx([continued.n_times / 160 - 2], abs=0.05)
