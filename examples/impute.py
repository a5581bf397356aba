# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Draw a missing channel given the others
=======================================

A loose electrode costs a channel. The others tell much of it, and not all: draws differ in what they do not tell::

    python examples/impute.py recording.edf --channels C3,P4 --plot impute.png    # good channels, to compare
    python examples/impute.py                                                     # the same with generated EEG

The channels are hidden and imputed, so that the true ones can be shown beside the draws and MNE's spherical splines.
Generated EEG shows how it is done, not how well: its field is the one that the method expects. The benchmark
`benchmarks/imputation.py` measures the error on real people.
"""

import argparse

import mne
import numpy as np
import torch

from get_hf import CHECKPOINT, impute, load_pretrained, load_recording
from get_hf.plotting import plot_imputation
from get_hf.processing.montage_get import USUAL_CHANNELS, parse_channel_name

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?")
parser.add_argument("--channels", default="C3,P4", help="to hide and impute, with commas between")
parser.add_argument("--draws", type=int, default=3)
parser.add_argument("--plot", help="picture of the first channel: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
model, extractor = load_pretrained(arguments.checkpoint)

if arguments.recording:
    raw = load_recording(arguments.recording)
    raw.rename_channels(lambda name: parse_channel_name(name)[0])
else:
    features = extractor(ch_names=USUAL_CHANNELS, condition="eyes_closed", person=2)
    generated = model.generate(**features, seconds=20.0, generator=torch.Generator().manual_seed(0))
    raw = extractor.decode(generated, features)[0]

# %%
# The true samples of the channels count for nothing: they are replaced by zeros first.

channels = arguments.channels.split(",")
hidden = raw.copy().apply_function(lambda x: np.zeros_like(x), picks=channels)
draws = impute(hidden, channels, extractor, draws=arguments.draws)
mean = impute(hidden, channels, extractor, draws=0)[0]
splines = hidden.set_montage("standard_1005")
splines.info["bads"] = channels
splines.interpolate_bads(verbose="ERROR")


def compared(made: mne.io.BaseRaw, channel: str) -> str:
    """Correlation with the true channel, and relative power."""
    own, true = (each.get_data([channel])[0] for each in (made, raw))
    return f"correlation {np.corrcoef(own, true)[0, 1]:.2f}, power {own.var() / true.var():.2f}"


for channel in channels:
    for name, made in (("a draw", draws[0]), ("mean of draws", mean), ("splines", splines)):
        print(f"{channel}, {name}: {compared(made, channel)}")
if arguments.plot:
    plot_imputation(raw, draws, splines, channels[0]).savefig(arguments.plot)
