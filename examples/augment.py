# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Does EEG that GET makes help a small decoder? Trained with and without, tested on other people.

    python examples/augment.py --data data/eegmmidb --people 12 --copies 4

Epochs of open and closed eyes of a few people train the decoder; GET continues each of them in its condition, and
the continuations train it too. (GET itself has heard S001 to S079: for figures to publish, take others.) Without
--data the "people" are the checkpoint's own, and the answer means nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.signal import welch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from get_hf import CHECKPOINT, load_pretrained, load_recording

CONDITIONS = {"eyes_open": "R01", "eyes_closed": "R02"}  # and the runs of EEGMMIDB in which people do that
CH_NAMES = ["C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "Oz", "O2"]
RATE, SECONDS = 100.0, 4.0
BANDS = ((1, 4), (4, 8), (8, 13), (13, 30))  # Hz

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", type=Path, help="folder that holds S001, S002, ...")
parser.add_argument("--people", type=int, default=6, help="half of them train, half test")
parser.add_argument("--epochs", type=int, default=2, help="epochs of a person and condition that train")
parser.add_argument("--copies", type=int, default=3, help="generated epochs for each of them")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
model, extractor = load_pretrained(arguments.checkpoint)
generator = torch.Generator().manual_seed(0)


def epochs_of(person: int, condition: str) -> np.ndarray:
    """Epochs (epochs, channels, times) in microvolts."""
    n_times = round(SECONDS * RATE)
    if arguments.data is None:
        features = extractor(ch_names=CH_NAMES, condition=condition, person=person)
        long = model.generate(**features, seconds=4 * SECONDS, generator=generator)
        data = extractor.decode(long, features, output="array")[0]
    else:
        folder = sorted(arguments.data.glob("S*"))[person]
        raw = load_recording(folder / f"{folder.name}{CONDITIONS[condition]}.edf")
        spelt = {name.strip(".").upper(): name for name in raw.ch_names}
        raw = raw.pick([spelt[name.upper()] for name in CH_NAMES]).resample(RATE, verbose="ERROR")
        data = raw.get_data(units="uV")
    n_epochs = data.shape[1] // n_times
    return data[:, : n_epochs * n_times].reshape(len(data), n_epochs, n_times).swapaxes(0, 1)


def more_of(epochs: np.ndarray, condition: str) -> np.ndarray:
    """What GET makes of each epoch, the epoch itself left out."""
    features = extractor(epochs, sampling_rate=RATE, ch_names=CH_NAMES, unit="uV", condition=condition)
    rows = model.generate(**features, seconds=SECONDS, num_return_sequences=arguments.copies, generator=generator)
    return np.stack(extractor.decode(rows, features, output="array", include_prompt=False))


def band_powers(epochs: np.ndarray) -> np.ndarray:
    """Log power of each channel in each band, (epochs, channels * bands)."""
    frequencies, density = welch(epochs, fs=RATE, nperseg=100)
    powers = [density[..., (frequencies >= low) & (frequencies < high)].mean(-1) for low, high in BANDS]
    return np.log(np.concatenate(powers, axis=-1))


half = arguments.people // 2
sets: dict[str, list] = {"real": [], "generated": [], "test": []}
for person in range(arguments.people):
    for label, condition in enumerate(CONDITIONS):
        epochs = epochs_of(person, condition)
        if person >= half:
            sets["test"].append((epochs, label))
            continue
        sets["real"].append((epochs[: arguments.epochs], label))
        sets["generated"].append((more_of(epochs[: arguments.epochs], condition), label))

x, y = {}, {}
for name, parts in sets.items():
    x[name] = np.concatenate([band_powers(epochs) for epochs, _ in parts])
    y[name] = np.concatenate([np.full(len(epochs), label) for epochs, label in parts])

for name, training in {"real": ["real"], "real and generated": ["real", "generated"]}.items():
    decoder = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    decoder.fit(np.concatenate([x[part] for part in training]), np.concatenate([y[part] for part in training]))
    n_epochs = sum(len(y[part]) for part in training)
    print(f"{name:20} {n_epochs:4} epochs   accuracy {decoder.score(x['test'], y['test']):.3f}")
