# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Close the loop: a virtual head is decoded while it runs
=======================================================

A virtual head gets a cue, a listener decodes its EEG, and the decision stands before the next cue is given::

    python examples/closed_loop.py                          # eyes open or closed, as fast as the computer can
    python examples/closed_loop.py --lsl GET                # at the pace of the clock, over LSL
    python examples/closed_loop.py --classifier fists --trials 20

The head is that of `get-hf stream`, and the listener that of `get-hf listen`. The classifier was fine-tuned on real
people. It is calibrated on the first minute, in which both conditions alternate.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import torch

from get_hf import CHECKPOINT, load_classifier, load_pretrained
from get_hf.live.amplifier import VirtualAmplifier
from get_hf.live.listener import Listener
from get_hf.live.source import LiveSource
from get_hf.processing.montage_get import USUAL_CHANNELS

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--classifier", default="eyes", help="the classifier that decodes: eyes, fists, or a folder")
parser.add_argument("--trials", type=int, default=10, help="number of trials; half of them are of each class")
parser.add_argument("--seconds", type=float, default=8.0, help="length of a trial")
parser.add_argument("--reference-seconds", type=float, default=64.0, help="what the listener is calibrated on")
parser.add_argument("--person", type=int, default=0, help="number of the virtual person")
parser.add_argument("--lsl", metavar="NAME", help="send the EEG over LSL, at the pace of the clock, and receive it")
parser.add_argument("--plot", type=Path, help="picture of the session")
parser.add_argument("--checkpoint", default=CHECKPOINT, help="generates the virtual head, and listens")
arguments = parser.parse_args()

RATE = 250.0
CHANNELS = list(USUAL_CHANNELS)
#: Seconds from a cue until its EEG is there: two patches wait to be sent, and decoding needs the second after a patch.
DELAY = 2.25


# %%
# The experiment knows neither the head nor how EEG travels. It gets samples, and gives cues. A trial is decided by the
# vote of the windows that lie between the beginning of its EEG and that of the next one.


@dataclass
class Experiment:
    """Gives cues, and decides which one was given.

    Attributes:
        listener: The listener that decodes.
        cue: Function that tells the head which condition comes next.
        window: Length of a window of the classifier in seconds.
        n_reference: Number of trials in the reference, which are not decided.
        coming: Conditions of the trials to come; those of the reference are first.
        trials: Time of the cue and condition of each trial that has begun.
        votes: Mean probabilities `(classes,)` of each trial that has ended; NaN in the reference.
        windows: Time of the end and probabilities of each window.
        samples: All samples so far.
    """

    listener: Listener
    cue: Callable[[str], None]
    window: float
    n_reference: int
    coming: list[str]
    trials: list[tuple[float, str]] = field(default_factory=list)
    votes: list[np.ndarray] = field(default_factory=list)
    windows: list[tuple[float, np.ndarray]] = field(default_factory=list)
    samples: list[np.ndarray] = field(default_factory=list)

    def take(self, samples: np.ndarray, times: np.ndarray) -> None:
        """Takes samples `(channels, n)` in microvolts and their times in seconds from the beginning."""
        self.samples.append(samples)
        if self.coming and times[-1] >= len(self.trials) * arguments.seconds:
            self.trials.append((len(self.trials) * arguments.seconds, self.coming.pop(0)))
            self.cue(self.trials[-1][1])
        for finding in self.listener.push(samples, times):
            if finding.probabilities is not None:
                self.windows.append((finding.time, finding.probabilities))
            while len(self.votes) < len(self.trials) and finding.time >= self.end_of(len(self.votes)):
                self.decide(len(self.votes))

    def end_of(self, trial: int) -> float:
        """When the EEG of a trial ends, in seconds."""
        return self.trials[trial][0] + DELAY + arguments.seconds

    def decide(self, trial: int) -> None:
        """Decides a trial by the vote of its windows."""
        (cue, condition), end = self.trials[trial], self.end_of(trial)
        if trial < self.n_reference:
            return self.votes.append(np.full(len(self.listener.classes), np.nan))
        own = [each for at, each in self.windows if cue + DELAY + self.window <= at <= end]
        self.votes.append(np.mean(own, axis=0))
        decided = self.listener.classes[int(self.votes[-1].argmax())]
        print(f"{end:6.1f} s   cue: {condition:12} decision: {decided:12} ({self.votes[-1].max():.2f})", flush=True)

    @property
    def is_over(self) -> bool:
        """Whether all trials are decided."""
        return not self.coming and len(self.votes) == len(self.trials)


# %%
# Without LSL, the head and the listener share a process, and a clock that does not wait. `VirtualAmplifier` sends each
# block to `send`.


class Loop:
    """An outlet that hands samples to an experiment, and a clock that is as fast as the samples."""

    def __init__(self):
        self.now, self.n_samples = 0.0, 0

    def send(self, samples: np.ndarray, timestamp: float) -> None:
        """Takes samples `(times, channels)` in microvolts."""
        times = (self.n_samples + np.arange(len(samples))) / RATE
        self.n_samples += len(samples)
        experiment.take(samples.T, times)
        if experiment.is_over:
            amplifier.stop()

    def mark(self, condition: str, timestamp: float) -> None:
        """A condition has begun; an experiment does not know when a brain reacts."""

    def wait(self, seconds: float) -> None:
        """Lets the time pass."""
        self.now += seconds


def over_lsl(name: str) -> None:
    """Runs the experiment with a head in another process: `get-hf stream` sends, and `LSLSource` receives."""
    from get_hf.live.lsl import LSLSource

    command = [sys.executable, "-m", "get_hf", "stream", "--lsl", name, "--rate", f"{RATE:g}"]
    command += ["--checkpoint", str(arguments.checkpoint)]
    command += ["--channels", ",".join(CHANNELS), "--condition", classes[0], "--person", str(arguments.person)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as head:
        assert head.stdin is not None
        eeg = LSLSource(name, patience=120)
        experiment.cue = lambda condition: print(condition, file=head.stdin, flush=True)
        start = None
        while not experiment.is_over:
            block = eeg.read(0.2)
            if block is not None and len(block.times):
                start = block.times[0] if start is None else start
                experiment.take(block.samples, block.times - start)
        print("quit", file=head.stdin, flush=True)
        eeg.close()


model, extractor = load_pretrained(arguments.checkpoint)
classifier = load_classifier(arguments.classifier)
classes = [classifier[0].config.id2label[index] for index in range(2)]
features = extractor(ch_names=CHANNELS, sampling_rate=RATE, condition=classes[0], person=arguments.person)
info = mne.create_info(CHANNELS, RATE, "eeg")
listener = Listener(
    model, extractor, info, reference_seconds=arguments.reference_seconds, classifier=classifier, every_seconds=0.5
)
n_reference = math.ceil((arguments.reference_seconds + DELAY) / arguments.seconds)
drawn = np.random.default_rng(arguments.person).permutation(np.arange(arguments.trials) % 2)
coming = [classes[k % 2] for k in [*range(n_reference), *drawn]]
window = classifier[0].config.window_seconds
experiment = Experiment(listener, lambda condition: None, window, n_reference, coming)
if arguments.lsl:
    over_lsl(arguments.lsl)
else:
    source = LiveSource(model, extractor, features, RATE, generator=torch.Generator().manual_seed(arguments.person))
    experiment.cue, loop = source.change, Loop()
    amplifier = VirtualAmplifier(source, loop, RATE, lambda: loop.now, wait=loop.wait)
    source.start()
    amplifier.run()
    source.stop()

# %%
# The session in one picture: the EEG of the back of the head, the probabilities, and the decisions.

decided = [
    (cue, classes.index(condition), vote)
    for (cue, condition), vote in zip(experiment.trials, experiment.votes, strict=True)
    if not np.isnan(vote).any()
]
accuracy = np.mean([vote.argmax() == truth for _, truth, vote in decided])
print(f"{accuracy:.0%} of {len(decided)} trials")

signal = np.concatenate(experiment.samples, axis=-1)
picked = CHANNELS.index("Oz" if "eyes_closed" in classes else "C3")
seconds = np.arange(signal.shape[-1]) / RATE
figure, (above, below) = plt.subplots(2, 1, figsize=(10, 4.5), sharex=True, layout="constrained")
above.plot(seconds, signal[picked], linewidth=0.3, color="0.2")
above.set_ylabel(f"{CHANNELS[picked]} (µV)")
for axes in (above, below):
    for cue, condition in experiment.trials:
        colour = ("tab:orange", "tab:blue")[classes.index(condition)]
        axes.axvspan(cue + DELAY, cue + DELAY + arguments.seconds, color=colour, alpha=0.15, linewidth=0)
ends, probabilities = zip(*experiment.windows, strict=True)
below.plot(ends, np.array(probabilities)[:, 1], ".-", markersize=2, linewidth=0.6, color="0.2")
for cue, truth, vote in decided:
    is_right = vote.argmax() == truth
    middle = cue + DELAY + arguments.seconds / 2
    below.plot(middle, vote[1], "o" if is_right else "X", color="tab:green" if is_right else "tab:red", markersize=8)
below.axhline(0.5, color="0.5", linewidth=0.5)
below.set(xlabel="Seconds", ylabel=f"Probability of {classes[1].replace('_', ' ')}", ylim=(-0.03, 1.03))
above.set_title(
    f"A virtual head is decoded while it runs: {accuracy:.0%} of {len(decided)} trials "
    f"(blue: {classes[1].replace('_', ' ')}, orange: {classes[0].replace('_', ' ')})"
)
if arguments.plot:
    figure.savefig(arguments.plot, dpi=130)
