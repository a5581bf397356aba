# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws the picture of the README: a recording with closed eyes that goes on into GET.

python docs/continuation.py --data DATA

DATA holds eegmmidb/S080/S080R02.edf, the first of the people who neither trained the checkpoint nor are test people.
"""

import argparse
import io
from pathlib import Path

import torch
from PIL import Image

from get_hf import load_pretrained, load_recording
from get_hf.plotting import plot_generation
from get_hf.processing.montage_get import USUAL_CHANNELS, parse_channel_name

PICTURE = Path(__file__).parent / "_static" / "continuation.png"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", type=Path, required=True, help="folder that holds eegmmidb/")
parser.add_argument("--person", default="S080")
arguments = parser.parse_args()

model, extractor = load_pretrained()
raw = load_recording(arguments.data / f"eegmmidb/{arguments.person}/{arguments.person}R02.edf")
raw.rename_channels({name: parse_channel_name(name)[0] for name in raw.ch_names}).pick(list(USUAL_CHANNELS))
features = extractor(raw, condition="eyes_closed")
generated = model.generate(**features, seconds=60, generator=torch.Generator().manual_seed(0))

buffer = io.BytesIO()
plot_generation(extractor.decode(generated, features)[0]).savefig(buffer, dpi=150)
# 256 colours are enough for this picture, and it stays small enough for a repository
Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")
