# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Continue a recording, or generate one from nothing
==================================================

Start it with a recording of any format that MNE reads::

    python examples/generate.py recording.edf --condition eyes_closed --seconds 20 --out continued.edf

Without a recording, EEG of a virtual person is generated.
"""

import argparse

import torch

from get_hf import CHECKPOINT, load_pretrained, load_recording, save_recording
from get_hf.plotting import plot_generation

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?", help="any format MNE reads; without it, EEG is generated from nothing")
parser.add_argument("--condition", default="eyes_closed", help="what comes next")
parser.add_argument("--seconds", type=float, default=10.0)
parser.add_argument("--out", default="continued.edf")
parser.add_argument("--plot", help="picture of it: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()

model, extractor = load_pretrained(arguments.checkpoint)

# %%
# The feature extractor locates the channels by their names, cleans the signal and takes it to the innovation space.

if arguments.recording:
    features = extractor(load_recording(arguments.recording), next_condition=arguments.condition)
else:
    ch_names = ["Fz", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2"]
    features = extractor(ch_names=ch_names, condition=arguments.condition, person=0)

generated = model.generate(**features, seconds=arguments.seconds, generator=torch.Generator().manual_seed(0))

# %%
# Decoding takes it back to volts, at the recording's own rate. The annotation "GET generated" marks where the
# recording ends.

continued = extractor.decode(generated, features)[0]
save_recording(continued, arguments.out)
print(f"{arguments.out}: {continued.n_times / continued.info['sfreq']:g} s, {len(continued.ch_names)} channels")
if arguments.plot:
    plot_generation(continued).savefig(arguments.plot)
