# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Compare decoders in MOABB
=========================

GET beside common spatial patterns in MOABB, the Mother of all BCI Benchmarks: both learn from one session of a person
and are judged on another::

    python examples/benchmark_moabb.py --dataset BNCI2014_001 --subjects 1 2 3 --plot moabb.png

MOABB downloads the dataset. Without --dataset it makes recordings of noise, which show the way; a decoder that does
better than chance on them is lucky.
"""

import argparse
import tempfile

import matplotlib.pyplot as plt
import mne
import moabb
import moabb.datasets
from mne.decoding import CSP
from moabb.datasets.fake import FakeDataset
from moabb.evaluations import CrossSessionEvaluation
from moabb.paradigms import LeftRightImagery
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from get_hf import CHECKPOINT, GETClassifier

RATE = 100.0  # Hz

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", help="name of a dataset in moabb.datasets with left and right hand")
parser.add_argument("--subjects", type=int, nargs="+", help="their numbers; by default all")
parser.add_argument("--plot", help="picture of the scores: .png, .pdf or .svg")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
moabb.set_log_level("error")
mne.set_log_level("ERROR")

if arguments.dataset:
    dataset = getattr(moabb.datasets, arguments.dataset)()
else:
    dataset = FakeDataset(("left_hand", "right_hand"), n_subjects=2, n_runs=1, n_events=24, duration=80, seed=0)
if arguments.subjects:
    dataset.subject_list = arguments.subjects

# %%
# MOABB gives arrays in microvolts. It filters them to the band of GET. CSP needs a narrower band.

paradigm = LeftRightImagery(fmin=0.5, fmax=45.0, resample=RATE)
epochs, _, _ = paradigm.get_data(dataset, [dataset.subject_list[0]], return_epochs=True)


def motor_rhythms(x):
    """Filters epochs to 8 to 30 Hz."""
    return mne.filter.filter_data(x, RATE, 8.0, 30.0)


pipelines = {
    "GET": GETClassifier(arguments.checkpoint, sampling_rate=RATE, ch_names=epochs.ch_names, unit="uV"),
    "CSP + LDA": make_pipeline(
        FunctionTransformer(motor_rhythms), CSP(min(6, len(epochs.ch_names))), LinearDiscriminantAnalysis()
    ),
}
with tempfile.TemporaryDirectory() as folder:
    evaluation = CrossSessionEvaluation(paradigm=paradigm, datasets=[dataset], overwrite=True, hdf5_path=folder)
    results = evaluation.process(pipelines)

# %%
# The score is the area under the ROC curve: 0.5 is chance.

for name, scores in results.groupby("pipeline")["score"]:
    print(f"{name:10} AUC {scores.mean():.3f} over {len(scores)} sessions")
if arguments.plot:
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    for position, name in enumerate(pipelines):
        scores = results.loc[results["pipeline"] == name, "score"]
        axes.plot([position - 0.2, position + 0.2], [scores.mean()] * 2, color="k")
        axes.plot([position] * len(scores), scores, "o", color="C0", alpha=0.6)
    axes.axhline(0.5, color="k", linestyle=":", linewidth=1)
    axes.set(
        xticks=range(len(pipelines)), xticklabels=pipelines, ylabel="AUC of a session", ylim=(0, 1), xlim=(-0.5, 1.5)
    )
    axes.set_title(f"{dataset.code}, mean and sessions" if arguments.dataset else "noise: 0.5 is expected", fontsize=9)
    figure.savefig(arguments.plot)
