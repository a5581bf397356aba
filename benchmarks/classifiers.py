# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Draws what the shipped classifiers get right, person by person, and what they respond to on the scalp.

    python benchmarks/classifiers.py --data DATA --run runs/fists --run runs/eyes --plot docs/_static/classifiers.png

Each RUN is a folder that `get-hf finetune` wrote with a shipped recipe. Its `predictions.csv` holds the probabilities
of each window of the validation people, whom the classifier has not learnt from. DATA holds eegmmidb/.

Confusion matrices have the share of the windows of each true class. The maps are patterns of the classifier (Haufe et
al., NeuroImage 87, 2014): the correlation of the log power at each electrode with the classifier's logit, over the
windows of a session that holds both classes. Correlations are averaged over sessions, and then over people.
"""

import argparse
import csv
import io
from collections import defaultdict
from pathlib import Path

import matplotlib
import mne
import numpy as np
import scipy
from matplotlib.figure import Figure
from PIL import Image

from get_hf.modeling.configuration_get import GETConfig
from get_hf.plotting import STYLE
from get_hf.processing.montage_get import parse_channel_name
from get_hf.training.corpora import get_corpus

BANDS = {"8 to 13 Hz": (8.0, 13.0), "13 to 30 Hz": (13.0, 30.0)}


def main() -> None:
    """Draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eegmmidb/")
    parser.add_argument("--run", type=Path, action="append", required=True, help="folder that get-hf finetune wrote")
    parser.add_argument("--plot", type=Path, required=True, help="picture to write")
    args = parser.parse_args()
    mne.set_log_level("ERROR")
    try:
        recordings = {
            (each.subject, each.session): each for each in get_corpus("eegmmidb").recordings(args.data, "validation")
        }
        runs = [opened_run(run) for run in args.run]
    except (ValueError, OSError) as error:
        parser.error(str(error))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.6 * len(args.run)), dpi=150, layout="constrained")
        for run, part in zip(runs, figure.subfigures(len(runs), 1, squeeze=False)[:, 0], strict=True):
            draw(part, *run, recordings)
    buffer = io.BytesIO()
    figure.savefig(buffer)
    Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(args.plot, optimize=True)
    print(f"{args.plot}: {args.plot.stat().st_size / 1e3:.0f} kB")


def opened_run(folder: Path) -> tuple[list[str], dict[str, dict[str, np.ndarray]], float]:
    """Names of both classes, windows of each person (see `windows_of`), and their length in seconds."""
    for name in ("config.json", "predictions.csv"):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} has no {name}: give a folder that `get-hf finetune` wrote.")
    config = GETConfig.from_pretrained(folder)
    if config.num_labels != 2 or config.window_seconds is None:
        raise ValueError(f"{folder} is no classifier of two classes: give a folder that `get-hf finetune` wrote.")
    names = [config.id2label[label] for label in range(2)]
    return names, windows_of(folder / "predictions.csv", names), config.window_seconds


def windows_of(path: Path, names: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Windows of each validation person: session, start in seconds, label, and logit of the second class."""
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] != "validation":
                continue
            own = found[row["subject"]]
            own["session"].append(row["session"])
            own["start"].append(float(row["start"]))
            own["label"].append(int(row["label"]))
            own["logit"].append(scipy.special.logit(np.clip(float(row[names[1]]), 1e-5, 1 - 1e-5)))
    return {person: {key: np.array(values) for key, values in own.items()} for person, own in found.items()}


def draw(part, names: list[str], windows: dict, seconds: float, recordings: dict) -> None:
    """Confusion matrices of all people, and the pattern of each band."""
    labels = [name.replace("_", " ") for name in names]
    part.suptitle(f"{' or '.join(labels)}, windows of {seconds:g} s", fontweight="bold", fontsize=8, x=0.01, ha="left")
    matrices, maps = part.subfigures(1, 2, width_ratios=(1.2, 1))
    n_columns = int(np.ceil(np.sqrt(len(windows))))
    axes = matrices.subplots(int(np.ceil(len(windows) / n_columns)), n_columns, squeeze=False)
    for place, (axis, (person, own)) in enumerate(zip(axes.flat, windows.items(), strict=False)):
        shares = confusion(own["label"], own["logit"] > 0)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(2, 2):
            colour = "white" if shares[row, column] > 0.6 else "black"
            axis.text(column, row, f"{shares[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=6)
        axis.set_title(f"{person}, accuracy {np.mean((own['logit'] > 0) == own['label']):.2f}", fontsize=6, pad=2)
        axis.spines[:].set_visible(False)
        lowest, first = place + n_columns >= len(windows), place % n_columns == 0
        axis.set_xticks([0, 1], [label.replace(" ", "\n") for label in labels] if lowest else ["", ""])
        axis.set_yticks([0, 1], labels if first else ["", ""])
        axis.tick_params(length=0, labelsize=6)
    for axis in axes.flat[len(windows) :]:
        axis.set_axis_off()
    matrices.supxlabel("Predicted", fontsize=7)
    matrices.supylabel("True", fontsize=7)
    positions, values = patterns(windows, seconds, recordings)
    limit = np.abs(values).max()
    axes = maps.subplots(1, len(BANDS))
    for axis, band, of_band in zip(axes, BANDS, values, strict=True):
        image, _ = mne.viz.plot_topomap(
            of_band, positions, axes=axis, vlim=(-limit, limit), cmap="RdBu_r", contours=4, sensors=True, show=False
        )
        axis.set_title(band)
    bar = maps.colorbar(image, ax=list(axes), location="bottom", shrink=0.7, aspect=25)
    bar.set_label(f"Correlation of log power with the logit of {labels[1]}")


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of each predicted class in the windows of each true class, `(true, predicted)`."""
    return np.array([[np.mean(predicted[labels == true] == guess) for guess in (0, 1)] for true in (0, 1)])


def patterns(windows: dict, seconds: float, recordings: dict) -> tuple[mne.Info, np.ndarray]:
    """Where the electrodes are, and correlations `(bands, electrodes)`."""
    of_people, info = [], None
    for person, own in windows.items():
        of_sessions = []
        for session in np.unique(own["session"]):
            here = own["session"] == session
            if len(np.unique(own["label"][here])) < 2:
                continue
            raws = [opened(recordings[person, name]) for name in session.split("+")]
            info, signal = raws[0].info, np.concatenate([raw.get_data(units="uV") for raw in raws], axis=1)
            power = log_powers(signal, info["sfreq"], own["start"][here], seconds)
            of_sessions.append(correlations(power, own["logit"][here]))
        of_people.append(np.mean(of_sessions, axis=0))
    return info, np.mean(of_people, axis=0)


def opened(recording: object) -> mne.io.BaseRaw:
    """A recording with the names and positions of the 10-05 system."""
    raw = recording.open().load_data()
    raw.rename_channels(lambda name: parse_channel_name(name)[0])
    return raw.set_montage("standard_1005")


def log_powers(signal: np.ndarray, rate: float, starts: np.ndarray, seconds: float) -> np.ndarray:
    """Log power `(windows, bands, electrodes)` of windows of `(electrodes, times)`."""
    found = []
    for start in starts:
        own = signal[:, round(start * rate) : round((start + seconds) * rate)]
        frequencies, density = scipy.signal.welch(own, rate, nperseg=min(own.shape[1], round(rate)))
        found.append(
            [
                np.log(density[:, (frequencies >= low) & (frequencies < high)].mean(axis=1))
                for low, high in BANDS.values()
            ]
        )
    return np.array(found)


def correlations(power: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """Correlation of each log power `(windows, bands, electrodes)` with the logit `(windows,)`."""
    power, logit = power - power.mean(axis=0), logit - logit.mean()
    return np.einsum("wbe,w->be", power, logit) / (len(logit) * power.std(axis=0) * logit.std())


if __name__ == "__main__":
    main()
