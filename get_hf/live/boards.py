# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Receives the EEG of a board that BrainFlow knows."""

import time
from collections.abc import Sequence
from typing import Any

import mne
from brainflow.board_shim import BoardIds, BoardShim, BrainFlowError, BrainFlowInputParams

from get_hf.live.hearing import BLOCK_SECONDS, Block, chosen
from get_hf.processing.reading_get import check_rate


def parse_board(board: str) -> int:
    """Returns the number of a board, from its number or its name, such as "synthetic" or "cyton".

    Raises:
        ValueError: BrainFlow knows no such board.
    """
    known = {each.name.removesuffix("_BOARD").lower(): int(each.value) for each in BoardIds}
    text = board.strip().lower().replace("-", "_").removesuffix("_board") if not board.strip("-").isdigit() else board
    number = known.get(text)
    if number is None and text.strip("-").isdigit() and int(text) in known.values():
        number = int(text)
    if number is None or number == BoardIds.NO_BOARD.value:
        raise ValueError(f"BrainFlow knows no board {board!r}: give its number or name, such as synthetic or cyton.")
    return number


def parse_parameters(entries: Sequence[str]) -> Any:
    """Returns BrainFlow's parameters from texts such as `serial_port=/dev/ttyUSB0`.

    Raises:
        ValueError: An entry is no parameter of BrainFlow, or has another type.
    """
    parameters = BrainFlowInputParams()
    for entry in entries:
        name, equals, value = entry.partition("=")
        own = vars(parameters).get(name.strip())
        if not equals or own is None:
            raise ValueError(
                f"{entry!r} is not NAME=VALUE of BrainFlow: names are {', '.join(sorted(vars(parameters)))}."
            )
        try:
            setattr(parameters, name.strip(), type(own)(value))
        except ValueError:
            raise ValueError(f"{name.strip()} of BrainFlow is a whole number, not {value!r}.") from None
    return parameters


class BoardSource:
    """Receives the EEG of a board.

    Args:
        board: Number or name of the board.
        parameters: See `parse_parameters`.
        channels: Names of the channels: of those that the board names, or of all its EEG channels, in order. None:
            all that the board names.

    Attributes:
        name: Name of the board.
        info: Names and sampling rate of the channels.
        behind: See `Source`.

    Raises:
        ValueError: There is no such board, it cannot be opened, or it does not name its channels.
    """

    def __init__(self, board: str, parameters: Sequence[str] = (), channels: Sequence[str] | None = None):
        number, given = parse_board(board), parse_parameters(parameters)
        try:
            BoardShim.disable_board_logger()
            about = BoardShim.get_board_descr(number)
            rows = list(BoardShim.get_eeg_channels(number))
        except BrainFlowError as error:
            raise ValueError(f"The board {board} has no EEG: {error}.") from error
        except ModuleNotFoundError as error:  # it finds its library by pkg_resources
            raise ValueError(f'BrainFlow needs {error.name}: pip install "get-hf[brainflow]"') from error
        self.name = str(about["name"])
        own = str(about.get("eeg_names", "")).split(",") if about.get("eeg_names") else None
        if own is None and (channels is None or len(channels) != len(rows)):
            raise ValueError(
                f"The board {self.name} does not name its {len(rows)} channels: name all of them, in order, by "
                "--channels."
            )
        names = list(channels or ()) if own is None else own
        picks = chosen(names, channels, [True] * len(names), f"The board {self.name}")
        self.info = mne.create_info([names[at] for at in picks], check_rate(float(about["sampling_rate"])), "eeg")
        self._rows, self._times = [rows[at] for at in picks], int(about["timestamp_channel"])
        self._board, self.behind = BoardShim(number, given), 0.0
        try:
            self._board.prepare_session()
            self._board.start_stream()
        except BrainFlowError as error:
            raise ValueError(f"The board {self.name} cannot be opened: {error}.") from error

    def read(self, timeout: float) -> Block | None:
        """Returns the samples that have come; see `Source`. It never ends."""
        wanted = max(1, round(BLOCK_SECONDS * self.info["sfreq"]))
        until = time.monotonic() + timeout
        while self._board.get_board_data_count() < wanted:
            if time.monotonic() > until:
                return None
            time.sleep(BLOCK_SECONDS / 4)
        data = self._board.get_board_data()
        self.behind = max(0.0, time.time() - float(data[self._times, 0]) - 2 * BLOCK_SECONDS)
        return Block(data[self._rows], data[self._times])

    def close(self) -> None:
        """Ends the session with the board."""
        if self._board.is_prepared():
            self._board.stop_stream()
            self._board.release_session()
