# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad requests to `get-hf stream`: each ends in one sentence and exit code 2, and nothing is sent."""

import pytest

from bad_recordings import RECORDINGS

WHOLE = ["--lsl", "GET", "--seconds", "0.1", "--checkpoint", "checkpoint"]
NOT_POSITIVE = ["0", "-1", "nan", "inf", "-inf", "1e99", "abc", "", "1,5", "1s"]
#: By option: values that mean nothing.
OPTIONS = {
    "--lsl": ["", " "],
    "--seconds": NOT_POSITIVE,
    "--rate": [*NOT_POSITIVE, "19", "20001"],
    "--unit": ["", "W", "metres"],
    "--condition": ["asleep", "", "42"],
    "--plan": ["asleep:1", "feet", "feet:", "feet:-1", ":3", "", "feet:nan", "feet:1,,"],
    "--person": ["-1", "1.5", "me", "", str(2**63)],
    "--channels": ["", ",", "Qz", "Fz,Qz", "Fz,,Cz"],
    "--noise": ["-1", "nan", "inf", "loud", "", "1000"],
    "--hum": ["-1", "nan", "inf", "loud", "", "1e4"],
    "--mains": ["0", "16.7", "100", "nan", ""],
    "--seed": ["-1", "1.5", "abc", "", str(2**63)],
    "--device": ["tpu", ""],
    "--checkpoint": ["./missing", "a/b/c", "text.xyz", "folder", ""],
}


@pytest.mark.parametrize(("option", "value"), [(option, value) for option in OPTIONS for value in OPTIONS[option]])
def test_values_that_mean_nothing(refused, option, value):
    refused("stream", *WHOLE, option, value)


@pytest.mark.parametrize("arguments", [["--loud"], ["good.edf", "more"], ["--lsl"]])
def test_requests_that_ask_too_much(refused, arguments):
    refused("stream", *WHOLE, *arguments)


def test_a_request_without_a_name(refused):
    refused("stream", *WHOLE[2:], mentions="--lsl")


@pytest.mark.parametrize("recording", [name for name in RECORDINGS if name != "long_name.fif"])
def test_recordings_that_cannot_be_streamed(refused, recording):
    refused("stream", recording, *WHOLE, mentions=RECORDINGS[recording])


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["good.edf", "--person", "3"], "leave one of them out"),
        (["--prompt-condition", "rest"], "about a recording"),
        (["--condition", "rest", "--plan", "feet:3"], "give one"),
        (["good.edf", "--prompt-condition", "asleep"], "asleep"),
        (["good.edf", "--channels", "Q9"], "Q9"),
        (["--hum", "3", "--rate", "100"], "above 100 Hz"),
        (["--hum", "3", "--mains", "60", "--rate", "110"], "above 120 Hz"),
    ],
)
def test_options_of_stream_that_contradict_each_other(refused, arguments, mentions):
    refused("stream", *WHOLE, *arguments, mentions=mentions)
