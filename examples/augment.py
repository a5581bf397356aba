# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Train a decoder with and without generated EEG
==============================================

Does generated EEG help the decoder of a person who has few trials? A left fist against a right fist, imagined::

    python examples/augment.py --data data/eegmmidb --person S083 --plot augment.png

GET continues the rest before each cue with both cues. The decoder learns from some recorded trials, with and without
the generated ones, and is tested on the other recorded trials. The picture shows both learning curves. One person says
little: `benchmarks/augmentation.py` compares many people, and other ways to augment.

Without --data the recorded trials are generated as well, from other noise, of a person with a strong mu rhythm: a fist
changes little in other people. Then the curves show what a perfect generator would give. The guide to augmentation has
the curves of real people.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import torch
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace
from sklearn.linear_model import LogisticRegression

from get_hf import CHECKPOINT, augment, load_pretrained, load_recording

CLASSES = {"left_fist": 1, "right_fist": 2}
RUNS = ("R04", "R08", "R12")  # runs of EEGMMIDB with imagined fists
CH_NAMES = ["FC3", "FCz", "FC4", "C3", "Cz", "C4", "CP3", "CPz", "CP4"]
SECONDS = 4.0  # of rest before a cue, and of a trial after it
DRAWS = 20

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", type=Path, help="folder that holds S001, S002, ...")
parser.add_argument("--person", default="S001")
parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3, 5, 8], help="recorded trials of each class")
parser.add_argument("--trials", type=int, default=12, help="without --data: trials of each class")
parser.add_argument("--plot", help="picture of the learning curves: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
model, extractor = load_pretrained(arguments.checkpoint)


def recorded(folder: Path) -> mne.BaseEpochs:
    """Trials of a person, with the rest before them."""
    parts = []
    for run in RUNS:
        raw = load_recording(folder / f"{folder.name}{run}.edf")
        spelt = {name.strip(".").upper(): name for name in raw.ch_names}
        raw.pick([spelt[name.upper()] for name in CH_NAMES])
        events, _ = mne.events_from_annotations(raw, {"T1": 1, "T2": 2}, verbose="ERROR")
        parts.append(mne.Epochs(raw, events, CLASSES, -SECONDS, SECONDS, baseline=None, preload=True, verbose="ERROR"))
    return mne.concatenate_epochs(parts, verbose="ERROR")


def imagined(n: int) -> mne.BaseEpochs:
    """The same of a person who is generated, `n` trials of each class."""
    features = extractor(ch_names=CH_NAMES, condition="rest", person=4)
    noise = torch.Generator().manual_seed(1)
    rest = extractor.decode(model.generate(**features, seconds=2 * n * SECONDS, generator=noise), features)[0]
    rest = mne.make_fixed_length_epochs(rest.set_annotations(None), SECONDS, preload=True, verbose="ERROR")
    cues = list(CLASSES) * n
    features = extractor(rest, condition="rest", next_condition=cues)
    trials = extractor.decode(model.generate(**features, seconds=SECONDS, generator=noise), features, output="array")
    events = np.stack([1000 * np.arange(2 * n), np.zeros(2 * n, int), [CLASSES[cue] for cue in cues]], axis=1)
    return mne.EpochsArray(1e-6 * np.stack(trials), rest.info, events, -SECONDS, CLASSES, verbose="ERROR")


# %%
# All rest of the person is continued, once with each cue. Rest has no label: the rest before test trials is used too.

epochs = recorded(arguments.data / arguments.person) if arguments.data else imagined(arguments.trials)
rest = epochs.copy().crop(tmax=0, include_tmax=False)
generated = augment(epochs, len(rest), rest=rest, pretrained=(model, extractor))


# %%
# The decoder is a logistic regression in the tangent space of covariances at the mean covariance of rest. Generated
# trials together weigh as much as the recorded ones.


def covariances(trials: mne.BaseEpochs, tmin: float, tmax: float) -> np.ndarray:
    """Covariances of 8-30 Hz, where fists change the rhythms."""
    band = trials.copy().filter(8, 30, verbose="ERROR").crop(tmin, tmax)
    return Covariances("oas").transform(band.get_data(units="uV"))


space = TangentSpace().fit(covariances(epochs, 0.5 - SECONDS, 0))
x, y = space.transform(covariances(epochs, 0.5, SECONDS)), epochs.events[:, 2]
more_x, more_y = space.transform(covariances(generated, 0.5, SECONDS)), generated.events[:, 2]
rng = np.random.default_rng(0)
curves: dict[str, list[float]] = {"recorded": [], "recorded and generated": []}
for size in arguments.sizes:
    scores: dict[str, list[float]] = {name: [] for name in curves}
    for _ in range(DRAWS):
        train = np.concatenate([rng.permutation(np.flatnonzero(y == code))[:size] for code in CLASSES.values()])
        test = np.setdiff1d(np.arange(len(y)), train)
        weights = np.repeat([1, len(train) / len(more_y)], [len(train), len(more_y)])
        alone = LogisticRegression(max_iter=300).fit(x[train], y[train])
        both = LogisticRegression(max_iter=300).fit(
            np.concatenate([x[train], more_x]), np.concatenate([y[train], more_y]), weights
        )
        for name, decoder in zip(curves, (alone, both), strict=True):
            scores[name].append(decoder.score(x[test], y[test]))
    for name in curves:
        curves[name].append(float(np.mean(scores[name])))
    print(f"{size:3} trials of each class   " + "   ".join(f"{name} {curves[name][-1]:.3f}" for name in curves))

if arguments.plot:
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, accuracy in curves.items():
        axis.plot(arguments.sizes, accuracy, "o-", label=name)
    axis.axhline(0.5, color="0.6", lw=1, ls=":", label="chance")
    axis.set(xlabel="recorded trials of each class", ylabel="accuracy on other recorded trials", ylim=(0.4, 1.0))
    axis.set_xticks(arguments.sizes)
    axis.legend(frameon=False)
    figure.savefig(arguments.plot)
