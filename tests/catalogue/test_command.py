# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad requests to the command: each ends in one sentence and exit code 2, before any work, and writes nothing."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bad_recordings import RECORDINGS, SMALL
from get_hf import cli

NOT_POSITIVE = ["0", "-1", "nan", "inf", "-inf", "1e99", "abc", "", "1,5", "1s"]
NOT_WHOLE = ["0", "-1", "1.5", "nan", "abc", "", "1e3", "9999999"]
OUTPUTS = ["o", "o.txt", "o.edf.gz", ".edf", "", "nowhere/o.edf", "text.xyz/o.edf", f"{'o' * 300}.edf"]
PICTURES = ["o", "o.gif", "o.edf", ".png", "", "nowhere/o.png", f"{'o' * 300}.png"]
PLACES = ["nowhere", "text.xyz", "folder/nowhere"]
#: By command: what makes it whole, and by option (or place of an argument) values that mean nothing.
COMMANDS = {
    "generate": (
        {"--seconds": "1", "--out": "o.edf", "--checkpoint": "checkpoint"},
        {
            "--seconds": NOT_POSITIVE,
            "--temperature": NOT_POSITIVE,
            "--num-flow-steps": NOT_WHOLE,
            "--seed": ["-1", "1.5", "abc", "", str(2**63)],
            "--device": ["tpu", "gpu", "", "CUDA", "cuda:x", "cpu:1", "mps:0"],
            "--condition": ["asleep", "", "42", "eyes"],
            "--plan": ["asleep:1", "feet", "feet:", "feet:x", "feet:-1", ":3", "", "feet:nan", "feet:1e9", "feet:1,,"],
            "--channels": ["", ",", "Qz", "Fz,Qz", "Fz,,Cz", "1,2"],
            "--out": [*OUTPUTS, "folder"],
            "--plot": PICTURES,
            "--checkpoint": ["./missing", "a/b/c", "text.xyz", "folder", "", "."],
        },
    ),
    "score": (
        {"": "good.edf", "--out": "o.csv", "--checkpoint": "checkpoint"},
        {
            "--out": [
                "o",
                "o.txt",
                "o.edf",
                ".csv",
                "",
                "nowhere/o.csv",
                "text.xyz/o.csv",
                f"{'o' * 300}.csv",
                "folder",
            ],
            "--format": ["tsv", "", "CSV", "edf", "json"],
            "--reference": ["missing.edf", "text.edf", "flat.fif", "short.edf", "unknown.edf", "folder", ""],
            "--reference-span": ["", "0", "0:", ":5", "a:b", "5:0", "3:3", "-1:5", "0:nan", "0:inf", "0:3", "0:1e6"],
            "--threshold": ["0", "-1", "nan", "inf", "-inf", "abc", "", "1,5"],
            "--device": ["tpu", "cuda:x"],
            "--channels": ["", ",", "Qz", "Fz,Qz", "Fz,,Cz"],
            "--unit": ["", "W", "T"],
            "--plot": PICTURES,
            "--checkpoint": ["./missing", "a/b/c", "text.xyz", "folder", ""],
        },
    ),
    "augment": (
        {"": "trials-epo.fif", "--n": "1", "--out": "o-epo.fif", "--checkpoint": "checkpoint"},
        {
            "": ["missing-epo.fif", "text.xyz", "noise.fif", "folder", "good.edf", "at_cue-epo.fif", ""],
            "--n": [*NOT_WHOLE, "-5"],
            "--out": ["o", "o.fif", "o-epo.edf", "nowhere/o-epo.fif", "trials-epo.fif", "", f"{'o' * 300}-epo.fif"],
            "--rest": ["missing-epo.fif", "text.xyz", "short.edf", "unknown.edf", "no_eeg.edf", "folder", ""],
            "--condition": ["left_fist", "left_fist=", "=left_fist", "left_fist=asleep", "left_fist=feet", ""],
            "--prompt-condition": ["asleep", ""],
            "--seed": ["-1", "1.5", "abc", ""],
            "--device": ["tpu", ""],
            "--checkpoint": ["./missing", "a/b/c", "folder", ""],
        },
    ),
    "classify": (
        {"": "good.edf", "--checkpoint": "classifier"},
        {
            "--window": [*NOT_POSITIVE, "0.1", "99"],
            "--stride": [*NOT_POSITIVE, "0.1"],
            "--threshold": [*NOT_POSITIVE, "1.01", "50"],
            "--format": ["", "edf", "CSV"],
            "--calibrate-on": ["", "nowhere.edf", "none", "text.edf", "unknown.edf", "empty.edf"],
            "--device": ["tpu", "cuda:x"],
            "--channels": ["", ",", "Qz", "Fz,Qz"],
            "--unit": ["", "m", "volts per metre"],
            "--out": ["o", "o.edf", "o.fif", ".csv", "", "nowhere/o.csv", "text.xyz/o.csv", f"{'o' * 300}.csv"],
            "--out-dir": ["text.xyz", "text.xyz/out", "good.edf"],
            "--checkpoint": ["./missing", "a/b/c", "text.xyz", "folder", "", ".", "checkpoint"],
        },
    ),
    "impute": (
        {"": "good.edf", "--channels": "Cz", "--out": "o.edf", "--checkpoint": "checkpoint"},
        {
            "": [*RECORDINGS, "", "checkpoint"],
            "--channels": [
                "",
                ",",
                "Qz",
                "Fz,Qz",
                "Fz,,Cz",
                "1,2",
                "Cz,Cz..",
                "Fp1,Fz,C3,Cz,C4,Pz,O1,O2",
                "Fp1,Fz,C3,C4,O1",
            ],
            "--draws": ["-1", "1.5", "1001", "many", ""],
            "--seed": ["-1", "1.5", "abc", "", str(2**63)],
            "--unit": ["", "volts", "m"],
            "--out": [*OUTPUTS, "folder", "good.edf"],
            "--out-dir": ["folder", "text.xyz"],
            "--checkpoint": ["./missing", "text.xyz", "folder", ""],
        },
    ),
    "evaluate": (
        {"": "checkpoint", "--data": "folder", "--out": "report"},
        {
            "": ["./missing", "a/b/c", "text.xyz", "folder", ""],
            "--data": PLACES,
            "--out": ["text.xyz", "text.xyz/report", "good.edf"],
            "--split": ["train", "", "all"],
            "--corpus": ["nowhere", "", "bonn:", "files:", "good.edf", "files:nowhere/*.edf"],
            "--prompt-seconds": NOT_POSITIVE,
            "--continuation-seconds": NOT_POSITIVE,
            "--preset": ["slow", "", "1"],
            "--card": ["nowhere.md", "folder", ""],
            "--device": ["tpu", "cuda:x"],
        },
    ),
    "calibrate": (
        {"": "checkpoint", "--data": "folder"},
        {"": ["missing", "text.xyz", "folder"], "--data": PLACES, "--step": ["blinks", "", "coherence,gains"]},
    ),
    "convert": (
        {"": "checkpoint", "--out": "converted"},
        {"": ["missing", "text.xyz", "folder", "checkpoint", ""], "--out": ["folder", "text.xyz", ""]},
    ),
    "pretrain": (
        {"": "recipe.yaml"},
        {"": ["missing.yaml", "list.yaml", "cut.yaml", "empty.yaml", "good.edf", "folder", ""]},
    ),
    "finetune": (
        {"": "finetune.yaml"},
        {"": ["missing.yaml", "list.yaml", "cut.yaml", "empty.yaml", "recipe.yaml", "good.edf", "folder", ""]},
    ),
    "corpus info": (
        {"": "eegmmidb"},
        {"": ["nothing", "", "EEGMMIDB", "files:", "moabb:", "bids:", "x:y", "tuh:"]},
    ),
    "corpus prepare": (
        {"": "eegmmidb", "--out": "prepared", "--data-dir": "folder"},
        {
            "": ["nothing", "", "files:", "files:nothing*.edf", "moabb:", "bids:nowhere", "tuh:nowhere", "eegmmidb"],
            "--out": ["text.xyz", "checkpoint", "good.edf"],
            "--data-dir": PLACES,
            "--num-proc": ["0", "-1", "1.5", "two", ""],
        },
    ),
    "corpus card": ({"": "folder"}, {"": ["folder", "text.xyz", "nowhere", "", "checkpoint"]}),
    "corpus push": ({"": "folder"}, {}),
    "push": ({"": "checkpoint"}, {}),
    "pull": ({"": "mine"}, {"": ["mine", "a/b/c", "/a", "a/", "a b/c"]}),
    "demo": ({}, {"--port": ["0", "-1", "65536", "http", ""]}),
    "push-space": ({"": "a/b"}, {"--package": ["torch", "", "get-hf @", "../get-hf"]}),
}
#: Overrides of a recipe, and what the answer has to mention.
OVERRIDES = {
    "fit_segments": ["fit_segments=0", "fit_segments=-1", "fit_segments=many"],
    "validation_crops": ["validation_crops=0", "validation_crops=-1", "validation_crops=many"],
    "shuffled_segments": ["shuffled_segments=0", "shuffled_segments=1.5", "shuffled_segments=many"],
    "crops_per_segment": ["crops_per_segment=0", "crops_per_segment=-1", "crops_per_segment=many"],
    "max_steps": ["max_steps=0", "max_steps=-5", "max_steps=1.5", "max_steps=many", "max_steps=[1]", "max_steps="],
    "learning_rate": ["learning_rate=fast", "learning_rate=[1]", "learning_rat=1e-3"],
    "average_decay": ["average_decay=1", "average_decay=-0.1", "average_decay=slow"],
    "crop_seconds": ["crop_seconds=0.25", "crop_seconds=0", "crop_seconds=long"],
    "condition_dropout": ["condition_dropout=1.5", "condition_dropout=-1", "condition_dropout=often"],
    "corpus": ["corpus={}", "corpus={eegmmidb: 0}", "corpus={eegmmidb: much}", "corpus=[eegmmidb]", "corpus=3"],
    "model must be dict": ["model=large"],
    "hidden_size": ["model.hidden_size=wide", "model.hidden_size=0", "model.hidden_sise=16"],
    "flow_bands": ["model.patch_size=10"],
    "generation": ["generation={top_k: 5}", "generation=fast"],
    "num_flow_steps": ["generation={num_flow_steps: 0}", "generation={num_flow_steps: few}"],
    "temperature": ["generation={temperature: -1}", "generation={temperature: hot}"],
    "optim": ["optim=best"],
    "bf16": ["bf16=perhaps"],
    "KEY=VALUE": ["fast", "=1", "max_steps"],
    "train_sampling_strategy": ["train_sampling_strategy=random"],
    "remove_unused_columns": ["remove_unused_columns=true"],
    "resume_from_checkpoint": ["resume_from_checkpoint=folder", "resume_from_checkpoint=nowhere"],
}


def changed(file: str, **changes) -> Callable[[Path], object]:
    """Changes keys of a JSON file."""

    def harm(folder: Path) -> None:
        path = folder / file
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return harm


def written(file: str, content: bytes | None) -> Callable[[Path], object]:
    """Replaces a file, or removes it."""
    return lambda folder: (folder / file).unlink() if content is None else (folder / file).write_bytes(content)


FILES = ["config.json", "model.safetensors", "preprocessor_config.json"]
CONFIG, PREPROCESSOR = FILES[0], FILES[2]
#: What may have happened to a checkpoint.
HARM = {
    **{f"no {file}": written(file, None) for file in FILES},
    **{f"empty {file}": written(file, b"") for file in FILES},
    **{f"text in {file}": written(file, b"text") for file in FILES},
    **{f"a list in {file}": written(file, b"[1]") for file in (CONFIG, PREPROCESSOR)},
    "cut weights": lambda folder: os.truncate(folder / FILES[1], 999),
    "another model": changed(CONFIG, model_type="bert"),
    "a newer format": changed(CONFIG, format_version=99),
    "wrong hidden_size": changed(CONFIG, hidden_size=32),
    "a misspelt key": changed(CONFIG, hidden_sise=16),
    "other conditions": changed(PREPROCESSOR, conditions=["none", "rest"]),
    "another rate": changed(PREPROCESSOR, sampling_rate=128.0),
    "a band of text": changed(PREPROCESSOR, band="alpha"),
    "an unknown setting": changed(PREPROCESSOR, bond=[1, 45]),
}


def values() -> Iterator:
    """A request for each value of each option of each command."""
    for command, (whole, options) in COMMANDS.items():
        for option, bad in options.items():
            for value in bad:
                given = whole | {option: value}
                arguments = [word for name, text in given.items() for word in ((name, text) if name else (text,))]
                yield pytest.param([*command.split(), *arguments], id=f"{command} {option} {value[:20]!r}")


def shapes() -> Iterator:
    """Requests to each command that ask too much, or too little."""
    for command, (whole, _) in COMMANDS.items():
        arguments = [word for name, text in whole.items() for word in ((name, text) if name else (text,))]
        yield pytest.param([*command.split(), *arguments, "--loud"], id=f"{command} with an unknown option")
        if command not in ("classify", "finetune", "impute", "pretrain", "score"):  # which take any number
            more = ["more", "and", "more", "again"]
            yield pytest.param([*command.split(), *arguments, *more], id=f"{command} with too many arguments")
        for name in whole:
            if name in ("--checkpoint", "--data-dir"):
                continue
            rest = {n: t for n, t in whole.items() if n != name}
            less = [word for n, text in rest.items() for word in ((n, text) if n else (text,))]
            yield pytest.param([*command.split(), *less], id=f"{command} without {name or 'its argument'}")


@pytest.mark.parametrize("arguments", values())
def test_values_that_mean_nothing(refused, arguments):
    refused(*arguments)


@pytest.mark.parametrize("arguments", shapes())
def test_requests_that_are_not_whole_or_more_than_that(refused, arguments):
    refused(*arguments)


@pytest.mark.parametrize("guidance", NOT_POSITIVE)
def test_guidance_that_means_nothing(refused, guidance):
    refused("generate", "--seconds", "1", "--out", "o.edf", *SMALL, "--condition", "rest", "--guidance", guidance)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_recordings_that_cannot_be_continued(refused, recording):
    refused("generate", recording, "--seconds", "1", "--out", "o.edf", *SMALL, mentions=RECORDINGS[recording])


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["good.edf", "--channels", "Fz,Q9"], "Q9"),
        (["--unit", "uV"], "of a recording"),
        (["--guidance", "2"], "--condition"),
        (["--condition", "rest", "--plan", "feet:3"], "give one"),
        (["--prompt-condition", "rest"], "about a recording"),
        (["good.edf", "--prompt-condition", "asleep"], "asleep"),
        (["good.edf", "--prompt-condition", "rest", "--condition", "asleep"], "asleep"),
        (["good.edf", "--out", "good.edf"], "replace the recording itself"),
        (["--plot", "o.edf"], "must end in .png"),
        (["good.edf", "short.edf"], "2 recordings were given"),
        (["good.edf", "--out-dir", "out"], "o.edf and out were given"),
    ],
)
def test_options_that_contradict_each_other(refused, arguments, mentions):
    refused("generate", "--seconds", "1", "--out", "o.edf", *arguments, *SMALL, mentions=mentions)


@pytest.mark.parametrize("harm", HARM)
def test_checkpoints_that_something_happened_to(refused, inputs, tmp_path, harm):
    HARM[harm](shutil.copytree(inputs / "checkpoint", tmp_path / "harmed"))
    harmed = str(tmp_path / "harmed")
    refused("generate", "--seconds", "1", "--out", "o.edf", "--checkpoint", harmed, mentions="harmed")


@pytest.mark.parametrize(("mentions", "override"), [(key, text) for key, texts in OVERRIDES.items() for text in texts])
def test_overrides_that_mean_nothing(refused, mentions, override):
    refused("pretrain", "recipe.yaml", override, mentions=mentions)


@pytest.mark.parametrize("command", ["", "dance", "corpus dance", "--loud", "Generate", "generate generate"])
def test_commands_that_there_are_not(refused, get_hf, command):
    if command:
        refused(*command.split())
    else:
        assert get_hf()[0] == 2  # shows the help


def test_every_command_is_in_the_table():
    commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    # test files of their own have the values of `stream` and `listen`
    assert commands - {"info", "stream", "listen"} <= {name.partition(" ")[0] for name in COMMANDS}
