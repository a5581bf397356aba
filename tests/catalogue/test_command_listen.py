# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad requests to `get-hf listen`: each ends in one sentence and exit code 2, and nothing is written."""

import pytest

from bad_recordings import RECORDINGS

WHOLE = ["--file", "good.edf", "--speed", "0", "--reference-seconds", "10.5", "--checkpoint", "checkpoint"]
WITHOUT_FILE = WHOLE[4:]
NOT_POSITIVE = ["0", "-1", "nan", "inf", "-inf", "1e99", "abc", "", "1,5", "1s"]
#: By option: values that mean nothing.
OPTIONS = {
    "--file": ["", "missing.edf", "folder"],
    "--speed": ["-1", "nan", "abc", "", "-inf", "1e-9"],
    "--every": [*NOT_POSITIVE, "0.2", "3601"],
    "--forecast": [*NOT_POSITIVE, "31"],
    "--reference-seconds": [*NOT_POSITIVE, "9.9", "3601"],
    "--threshold": NOT_POSITIVE,
    "--lookahead": [*NOT_POSITIVE, "0.2", "10.1"],
    "--seconds": NOT_POSITIVE,
    "--unit": ["", "W", "metres"],
    "--channels": ["", ",", "Q9", "Fz..,Q9"],
    "--classifier": ["./missing", "a/b/c", "text.xyz", "folder", "", "checkpoint"],
    "--checkpoint": ["./missing", "a/b/c", "text.xyz", "folder", "", "classifier"],
    "--csv": ["a.txt", "a", "", "folder", "missing/a.csv", "good.edf"],
    "--annotations": ["a.txt", "a", "", "folder", "missing/a.csv", "good.edf"],
    "--to-lsl": ["", " "],
    "--device": ["tpu", ""],
}


@pytest.mark.parametrize(("option", "value"), [(option, value) for option in OPTIONS for value in OPTIONS[option]])
def test_values_that_mean_nothing(refused, option, value):
    refused("listen", *WHOLE, option, value)


@pytest.mark.parametrize("arguments", [["--loud"], ["good.edf"], ["--file"]])
def test_requests_that_ask_too_much(refused, arguments):
    refused("listen", *WHOLE, *arguments)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ([], "not none"),
        (["--lsl", ""], "it is empty"),
        (["--lsl", "CAP", "--speed", "2"], "--speed 2 is for --file"),
        (["--lsl", "CAP", "--board-parameter", "timeout=3"], "is for --brainflow"),
        (["--lsl", "CAP", "--brainflow", "synthetic"], "not --lsl and --brainflow"),
        (["--lsl", "CAP", "--to-lsl", "CAP"], "choose another one"),
        (["--lsl", "there is no such stream"], "start it first"),
    ],
)
def test_sources_that_there_are_not(refused, arguments, mentions):
    refused("listen", *WITHOUT_FILE, *arguments, mentions=mentions)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["--lsl", "CAP"], "not --lsl and --file"),
        (["--brainflow", "synthetic"], "not --file and --brainflow"),
        (["--board-parameter", "timeout=3"], "is for --brainflow"),
        (["--reference", "good.edf"], "give one"),
        (["--reference-seconds", "12"], "give --reference-seconds"),
        (["--csv", "a.csv", "--annotations", "a.csv"], "choose two names"),
    ],
)
def test_options_of_listen_that_contradict_each_other(refused, arguments, mentions):
    refused("listen", *WHOLE, *arguments, mentions=mentions)


@pytest.mark.parametrize("recording", [name for name in RECORDINGS if name != "long_name.fif"])
def test_recordings_that_cannot_be_heard(refused, recording):
    mentions = "give --reference-seconds" if recording == "short.edf" else RECORDINGS[recording]
    refused("listen", "--file", recording, *WHOLE[2:], "--csv", "a.csv", mentions=mentions)


@pytest.mark.parametrize("recording", ["text.edf", "no_eeg.edf", "missing.edf", "short.edf"])
def test_references_that_show_nothing(refused, recording):
    refused("listen", *WHOLE[:4], *WHOLE[6:], "--reference", recording)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["--brainflow", "cap"], "knows no board"),
        (["--brainflow", "synthetic", "--board-parameter", "loud"], "NAME=VALUE"),
        (["--brainflow", "synthetic", "--board-parameter", "timeout=long"], "whole number"),
        (["--brainflow", "synthetic", "--channels", "Q9"], "has no channel Q9"),
        (["--brainflow", "cyton"], "cannot be opened"),
    ],
)
def test_boards_that_cannot_be_heard(refused, arguments, mentions):
    pytest.importorskip("brainflow")
    pytest.importorskip("pkg_resources")
    refused("listen", *WITHOUT_FILE, *arguments, mentions=mentions)
