# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Continue a recording in real time
=================================

EEG in microvolts is sent patch by patch, each when its time has come, as an amplifier would deliver it::

    python examples/stream.py recording.edf --seconds 10

It prints how strong each patch is and how late it was sent. Halfway, the eyes open while the generation runs.
"""

import argparse
import time

import numpy as np

from get_hf import CHECKPOINT, load_pretrained, load_recording

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("recording", nargs="?", help="any format MNE reads; without it, EEG is generated from nothing")
parser.add_argument("--condition", default="eyes_closed", help="what comes next")
parser.add_argument("--then", default="eyes_open", help="what comes after half of the time")
parser.add_argument("--seconds", type=float, default=5.0)
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()


class Clock:
    """Sends each patch when the one before is over."""

    def __init__(self):
        self.seconds, self.began, self.worst = 0.0, None, 0.0

    def __call__(self, signals: list[np.ndarray]) -> None:
        """Waits until a patch is due, and sends it; `signals` has (channels, times) in microvolts for each row."""
        now = time.perf_counter()
        self.began = now if self.began is None else self.began
        late = now - self.began - self.seconds
        time.sleep(max(0.0, -late))
        (signal,) = signals
        # here the patch would go to whatever listens
        print(f"{self.seconds:6.2f} s  {signal.std():5.1f} µV  {1e3 * max(0.0, late):5.1f} ms late", flush=True)
        self.worst = max(self.worst, late)
        if self.seconds < arguments.seconds / 2 <= self.seconds + signal.shape[-1] / rate:
            stream.change(arguments.then)
        self.seconds += signal.shape[-1] / rate


# %%
# The stream takes the patches of `generate`. A patch waits for the four patches after it, because filters need them.

model, extractor = load_pretrained(arguments.checkpoint)
if arguments.recording:
    features = extractor(load_recording(arguments.recording), next_condition=arguments.condition)
else:
    ch_names = ["Fz", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2"]
    features = extractor(ch_names=ch_names, sampling_rate=250.0, condition=arguments.condition, person=0)
rate = features.recordings[0].recording.sampling_rate
clock = Clock()
stream = extractor.streamer(features, clock)
model.generate(**features, seconds=arguments.seconds, streamer=stream)
print(f"{clock.seconds:g} s of EEG, each patch {stream.latency:g} s after it was generated")
print(f"worst patch: {1e3 * clock.worst:.0f} ms late")
