# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Find moments that are unusual
=============================

How unusual is each quarter of a second, compared with a reference? This detector was never shown an event::

    python examples/score.py chb01_03.edf --reference chb01_01.edf --plot score.png    # of CHB-MIT, or any other
    python examples/score.py                                    # generated EEG, with 3 s of spike and wave in it

It prints the unusual moments. Artefacts are as unusual as seizures: this makes no diagnosis. The reference shows what
is usual. It should hold minutes of the same person, and nothing that should be found. Blinks are left out of the score
only if the reference has such blinks, too.
"""

import argparse

import mne
import numpy as np
import torch

from get_hf import CHECKPOINT, load_pretrained, load_recording
from get_hf.plotting_findings import plot_scores
from get_hf.scoring import score_recording

CH_NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
FOCUS = ["C3", "P3", "O1"]  # where spikes and waves are
USUAL = 20.0  # seconds of generated EEG before anything happens

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?")
parser.add_argument("--reference", help="recording of the same channels that shows what is usual")
parser.add_argument("--plot", help="picture of the whole score: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
model, extractor = load_pretrained(arguments.checkpoint)


def with_spikes_and_waves(onset: float = 26.0, seconds: float = 3.0) -> mne.io.BaseRaw:
    """36 s of generated EEG in which something happens that no brain of the corpus did."""
    features = extractor(ch_names=CH_NAMES, condition="eyes_closed", person=2)
    generated = model.generate(**features, seconds=36.0, generator=torch.Generator().manual_seed(0))
    raw = extractor.decode(generated, features)[0].set_annotations(None)
    times = raw.times[(raw.times >= onset) & (raw.times < onset + seconds)] - onset
    wave = np.sin(2 * np.pi * 3 * times)  # three a second, a spike on each
    spike = np.exp(-(((times % (1 / 3)) - 0.05) ** 2) / (2 * 0.012**2))
    start = round(onset * raw.info["sfreq"])
    focus = [CH_NAMES.index(name) for name in FOCUS]
    raw._data[focus, start : start + len(times)] += 100e-6 * (spike - 0.7 * wave)
    return raw


# %%
# Without a reference of its own, a recording is compared with its first ten minutes.

if arguments.recording:
    raw = load_recording(arguments.recording)
    reference = load_recording(arguments.reference) if arguments.reference else None
else:
    raw = with_spikes_and_waves()
    reference = raw.copy().crop(0, USUAL)
scores = score_recording(raw, model, extractor, reference)
for onset, duration, score in scores.events:
    print(f"{onset:8.2f} s to {onset + duration:8.2f} s   {score:7.1f} deviations of the reference")
if arguments.plot:
    plot_scores(scores).savefig(arguments.plot)
