# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Find moments that the past did not announce
===========================================

How surprising is each quarter of a second, given its past? This detector was never shown an event::

    python examples/score.py chb01_03.edf --plot surprise.png     # a recording of CHB-MIT, or any other
    python examples/score.py                                      # generated EEG, with 3 s of spike and wave in it

It prints the most surprising moments. Artefacts surprise as much as seizures do: it finds the unusual, and makes no
diagnosis. Blinks are taken out before the score, and so is what looks like them: slow discharges that are strongest at
the forehead do not surprise it.
"""

import argparse

import mne
import numpy as np
import torch

from get_hf import CHECKPOINT, load_pretrained, load_recording
from get_hf.plotting import above_usual, plot_surprise

CH_NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
FOCUS = ["C3", "P3", "O1"]  # where spikes and waves are
SETTLING = 2.0  # seconds at the start that are not ranked: with no past, anything surprises

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?")
parser.add_argument("--moments", type=int, default=5, help="how many to print")
parser.add_argument("--plot", help="picture of the whole score: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
model, extractor = load_pretrained(arguments.checkpoint)


def with_spikes_and_waves(onset: float = 20.0, seconds: float = 3.0) -> mne.io.BaseRaw:
    """30 s of generated EEG in which something happens that no brain of the corpus did."""
    features = extractor(ch_names=CH_NAMES, condition="eyes_closed", person=2)
    generated = model.generate(**features, seconds=30.0, generator=torch.Generator().manual_seed(0))
    raw = extractor.decode(generated, features)[0].set_annotations(None)
    times = raw.times[(raw.times >= onset) & (raw.times < onset + seconds)] - onset
    wave = np.sin(2 * np.pi * 3 * times)  # three a second, a spike on each
    spike = np.exp(-(((times % (1 / 3)) - 0.05) ** 2) / (2 * 0.012**2))
    start = round(onset * raw.info["sfreq"])
    focus = [CH_NAMES.index(name) for name in FOCUS]
    raw._data[focus, start : start + len(times)] += 300e-6 * (spike - 0.7 * wave)
    return raw


def surprise(raw: mne.io.BaseRaw) -> np.ndarray:
    """Nats of each patch of each channel, (channels, patches)."""
    features = extractor(raw)
    del features["condition_ids"]  # no condition is known
    return model.score(**features)[0, :, 1:].numpy()  # without the start patch


# %%
# Each channel's own median is taken away, so that 0 is as usual.

raw = load_recording(arguments.recording) if arguments.recording else with_spikes_and_waves()
score = surprise(raw)
patch_seconds = model.config.patch_size / model.config.sampling_rate
# patches are counted from the recording's end; its beginning may fill only a part of the first
times = raw.n_times / raw.info["sfreq"] - patch_seconds * np.arange(score.shape[1], 0, -1)
seen = ~np.isnan(score).all(axis=1)  # a bad channel has no score
excess = above_usual(score[seen])[:, times >= SETTLING].mean(axis=0)
times = times[times >= SETTLING]
for patch in np.argsort(-excess)[: arguments.moments]:
    print(f"{max(0.0, times[patch]):8.2f} s   {excess[patch]:+7.1f} nats a channel above the median")
if arguments.plot:
    plot_surprise(score, raw.ch_names, 0.0, patch_seconds).savefig(arguments.plot)
