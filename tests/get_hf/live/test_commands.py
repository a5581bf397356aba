# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import os
import threading

import pytest

from get_hf.live.commands import Commands, parse_plan, read_lines

WRONG = "which is not CONDITION:SECONDS: write it as eyes_open:10,left_fist:4."


@pytest.fixture
def heard():
    return []


@pytest.fixture
def commands(heard):
    def change(what):
        if what == "asleep":
            raise ValueError("'asleep' is not a condition.")
        heard.append(what)

    return Commands(change, lambda: heard.append("QUIT"), lambda sentence: heard.append(f"told {sentence}"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("eyes_closed\n", ["eyes_closed"]),
        ("  Eyes closed ", ["Eyes closed"]),
        ("eyes_open:10, left_fist:4", [[("eyes_open", 10.0), ("left_fist", 4.0)]]),
        ("quit", ["QUIT"]),
        ("Q\r\n", ["QUIT"]),
        ("", []),
        ("   ", []),
        ("asleep", ["told 'asleep' is not a condition."]),
        ("feet:", [f"told The plan has 'feet:', {WRONG}"]),
        ("feet:1,", [f"told The plan has '', {WRONG}"]),
    ],
)
def test_commands(commands, heard, line, expected):
    commands.take(line)
    assert heard == expected


def test_plans():
    assert parse_plan("feet:1.5") == [("feet", 1.5)]


def test_lines_are_read_as_they_come_until_the_end():
    read, write = os.pipe()
    lines, arrived = [], threading.Event()

    def take(line):
        lines.append(line)
        arrived.set()

    thread = threading.Thread(target=read_lines, args=(read, take, threading.Event()))
    thread.start()
    os.write(write, b"eyes_cl")
    os.write(write, b"osed\nfe")
    assert arrived.wait(20)
    assert lines == ["eyes_closed"]
    os.write(write, b"et\n\xff\nrest")
    os.close(write)
    thread.join(20)
    assert not thread.is_alive()
    os.close(read)
    assert lines == ["eyes_closed", "feet", "\ufffd", "rest"]


def test_reading_ends_when_it_is_told_to():
    read, write = os.pipe()
    stopped = threading.Event()
    thread = threading.Thread(target=read_lines, args=(read, print, stopped))
    thread.start()
    stopped.set()
    thread.join(20)
    assert not thread.is_alive()
    os.close(read)
    os.close(write)
