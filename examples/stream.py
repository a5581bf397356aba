# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Continue a recording in real time
=================================

Each patch is handed on when its time has come, as an amplifier would deliver it::

    python examples/stream.py recording.edf --seconds 10

It prints how long each patch took against how long it lasts: below 100 % GET keeps pace.
"""

import argparse
import time

import torch
from transformers.generation.streamers import BaseStreamer

from get_hf import CHECKPOINT, load_pretrained, load_recording

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?", help="any format MNE reads; without it, EEG is generated from nothing")
parser.add_argument("--condition", default="eyes_closed", help="what comes next")
parser.add_argument("--seconds", type=float, default=5.0)
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()


class RealTime(BaseStreamer):
    """Takes patches as `generate` makes them, and gives each out when the one before is over."""

    def __init__(self, sampling_rate: float):
        self.sampling_rate = sampling_rate
        self.began = None  # the prompt, which comes first, is not waited for
        self.shares = []

    def put(self, value: torch.Tensor) -> None:
        """Prints the latency of a patch (1, channels, times), hands it on, and waits until it is over."""
        if self.began is not None:
            latency, duration = time.perf_counter() - self.began, value.shape[-1] / self.sampling_rate
            self.shares.append(latency / duration)
            bar = "#" * round(20 * min(1.0, self.shares[-1]))
            print(f"patch {len(self.shares):4}  {1e3 * latency:6.1f} ms of {1e3 * duration:.0f}  {bar}", flush=True)
            # here the patch would go to whatever listens
            time.sleep(max(0.0, duration - latency))
        self.began = time.perf_counter()

    def end(self) -> None:
        """Says how much there was to spare."""
        print(f"worst patch: {100 * max(self.shares):.0f} % of its duration")


# %%
# The streamer gets the prompt first, then one patch a step.

model, extractor = load_pretrained(arguments.checkpoint)
if arguments.recording:
    features = extractor(load_recording(arguments.recording), next_condition=arguments.condition)
else:
    ch_names = ["Fz", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2"]
    features = extractor(ch_names=ch_names, condition=arguments.condition, person=0)
model.generate(**features, seconds=arguments.seconds, streamer=RealTime(model.config.sampling_rate))
