# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws what the terminal shows of `get-hf listen`: a person who opens the eyes for a minute, and closes them.

    python docs/listening.py --data DATA

DATA holds eegmmidb/S080/S080R01.edf and S080R02.edf, of the first of the people who neither trained the checkpoint nor
are test people. The picture is docs/_static/listening.svg.
"""

import argparse
import io
from pathlib import Path

import mne
import numpy as np
from rich.console import Console

from get_hf import load_classifier, load_pretrained, load_recording
from get_hf.live.listener import Listener
from get_hf.live.view import View
from get_hf.processing.montage_get import USUAL_CHANNELS, parse_channel_name

PERSON, RUNS = "S080", ("R01", "R02")
#: Seconds that are heard, and seconds of the forecast.
SECONDS, FORECAST_SECONDS = 90.0, 2.0
OUT = Path(__file__).parent / "_static" / "listening.svg"


def main() -> None:
    """Replays the recordings, and draws the view at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with eegmmidb")
    data = parser.parse_args().data
    mne.set_log_level("ERROR")
    raw = mne.concatenate_raws([load_recording(data / f"eegmmidb/{PERSON}/{PERSON}{run}.edf") for run in RUNS])
    raw.rename_channels({name: parse_channel_name(name)[0] for name in raw.ch_names}).pick(list(USUAL_CHANNELS))
    rate = raw.info["sfreq"]
    samples = 1e6 * raw.get_data(stop=round(SECONDS * rate))
    listener = Listener(*load_pretrained(), raw.info, reference_seconds=30.0, classifier=load_classifier("eyes"))
    view = View(listener, f"{PERSON} --classifier eyes --forecast {FORECAST_SECONDS:g}")
    for at in range(0, samples.shape[-1], round(rate)):
        block = samples[:, at : at + round(rate)]
        for finding in listener.push(block, (at + np.arange(block.shape[-1])) / rate):
            view.take(finding)
    forecast = listener.forecast(FORECAST_SECONDS)
    assert forecast is not None
    view.forecast = forecast()
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    console.print(view)
    console.save_svg(str(OUT), title="get-hf listen")


if __name__ == "__main__":
    main()
