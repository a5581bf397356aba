# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Classify a recording, window by window
======================================

Which class has each window of a recording, and where does it change?

    python examples/classify.py recording.edf --plot classes.png     # of any length: it is read in pieces
    python examples/classify.py                                      # generated EEG: eyes open, then closed

The classifier may be a shipped one, `eyes` or `fists`, or a folder that fine-tuning has written. All windows share one
calibration, so that the differences between them remain.
"""

import argparse

import mne
import torch

from get_hf import CHECKPOINT, classify, load_classifier, load_pretrained

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?")
parser.add_argument("--classifier", default="eyes", help="eyes, fists, a folder, or owner/name on the Hub")
parser.add_argument("--plot", help="picture of all windows: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT, help="what generates EEG if no recording is given")
arguments = parser.parse_args()


def eyes_open_then_closed(seconds: float = 15.0) -> mne.io.BaseRaw:
    """EEG of somebody imagined, who closes the eyes after some seconds."""
    generator, extractor = load_pretrained(arguments.checkpoint)
    ch_names = ["Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "Oz", "O2"]
    plan = [("eyes_open", seconds), ("eyes_closed", seconds)]
    features = extractor(ch_names=ch_names, next_condition=plan, person=2)
    generated = generator.generate(**features, seconds=2 * seconds, generator=torch.Generator().manual_seed(0))
    return extractor.decode(generated, features)[0].set_annotations(None)


# %%
# The vote is the mean of the probabilities of all windows. Consecutive windows of one class are one annotation, as
# `raw.set_annotations` takes them.

model, extractor = load_classifier(arguments.classifier)
found = classify(arguments.recording or eyes_open_then_closed(), model, extractor)
for name, score in found.vote.items():
    print(f"{name}: mean probability {score:.2f}, {found.counts[name]} of {len(found.scores)} windows")
for annotation in found.annotations():
    start, end = annotation["onset"], annotation["onset"] + annotation["duration"]
    print(f"{start:8.2f} to {end:8.2f} s  {annotation['description']}")
if arguments.plot:
    found.plot().savefig(arguments.plot)
