# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The synthetic board of BrainFlow as a source."""

import numpy as np
import pytest

pytest.importorskip("brainflow")
pytest.importorskip("pkg_resources")  # by which brainflow finds its library

from get_hf import load_pretrained
from get_hf.live.boards import BoardSource, parse_board, parse_parameters
from get_hf.live.listener import Listener

pytestmark = pytest.mark.filterwarnings("ignore:.*pkg_resources")
NAMES = ["Fz", "C3", "Cz", "C4"]


def test_the_synthetic_board_is_heard(tiny_checkpoint):
    source = BoardSource("synthetic", channels=NAMES)
    try:
        assert source.info["ch_names"] == NAMES
        assert source.info["sfreq"] == 250
        listener = Listener(*load_pretrained(tiny_checkpoint), source.info, reference_seconds=10.0)
        found = []
        while len(found) < 12:
            block = source.read(1.0)
            assert block is not None
            assert block.samples.shape == (4, len(block.times))
            found += listener.push(block.samples, block.times)
    finally:
        source.close()
    assert [finding.seconds for finding in found[:12]] == pytest.approx(list(10 + np.arange(12) / 4))
    assert np.isfinite([finding.surprise for finding in found]).all()
    assert not any("missing" in note for _, note in listener.notes)
    # sines of the board, 10 uV times the number of the channel
    assert (np.diff(found[-1].microvolts) > 0).all()
    source.close()  # a second time


@pytest.mark.parametrize(("board", "number"), [("synthetic", -1), ("-1", -1), ("Cyton-Daisy", 2), ("CYTON_BOARD", 0)])
def test_boards_by_number_and_by_name(board, number):
    assert parse_board(board) == number


@pytest.mark.parametrize("board", ["", "cap", "12345", "-100", "1.5"])
def test_boards_that_there_are_not(board):
    with pytest.raises(ValueError, match="BrainFlow knows no board"):
        parse_board(board)


def test_parameters():
    parameters = parse_parameters(["serial_port=/dev/ttyUSB0", "timeout=15"])
    assert (parameters.serial_port, parameters.timeout) == ("/dev/ttyUSB0", 15)
    for entry, match in (
        ("port=1", "not NAME=VALUE"),
        ("timeout", "not NAME=VALUE"),
        ("timeout=long", "whole number"),
    ):
        with pytest.raises(ValueError, match=match):
            parse_parameters([entry])


def test_channels_that_the_board_has_not():
    with pytest.raises(ValueError, match="has no channel O1, only Fz"):
        BoardSource("synthetic", channels=["O1"])


def test_a_board_that_is_not_plugged_in():
    with pytest.raises(ValueError, match="cannot be opened"):
        BoardSource("cyton", ["serial_port=/dev/nothing"])
