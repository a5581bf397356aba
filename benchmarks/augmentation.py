# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Do generated trials help a decoder of one person who has few trials of their own?

    python benchmarks/augmentation.py --data DATA --work generated --draws 50 --write docs/guide/augmentation.md \
        --plot docs/_static/augmentation.png

Imagined left against right fist in EEGMMIDB (runs 4, 8 and 12), within a person. Logistic regression in the tangent
space of covariances, at the mean covariance of the person's rest, learns from a few trials of each fist, drawn at
random, and from further trials that one of the ways of augmentation made. It is tested on all other trials of the
person. GET continues all rest of the person, the 4 s before each cue, with both cues: rest has no label, so the rest
before test trials is used as well. The ways:

- real: the trials alone;
- GET: trials after all rest, each with weight 1;
- GET, equal weight: the same, which together weigh as much as the training trials;
- GET, own rest: trials after the rest before the training trials only;
- GET, gated: those of GET, kept where they raise the accuracy in a cross-validation of the training trials;
- GET, shuffled: those of GET with shuffled labels, a control;
- FT surrogate, noise, shift: changed copies of the training trials, as many as GET adds (see `surrogates`);
- GET only: generated trials without real ones.

The interval of a gain is over people (bootstrap), and harm is the share of people whose accuracy falls. The shipped
checkpoint has heard the training people of EEGMMIDB with their conditions: figures of --split train say what happens
to people whom the generator knows.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import mne
import numpy as np
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace
from scipy import signal as sps
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from transformers.utils import logging

from get_hf import CHECKPOINT, augment, load_pretrained
from get_hf.processing.files import written_whole
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.training.corpora import get_corpus
from get_hf.training.evaluation.report import fill_card

RUNS = ("R04", "R08", "R12")  # imagined fists
CLASSES = ("left_fist", "right_fist")
NAMES = {"T0": "rest", "T1": CLASSES[0], "T2": CLASSES[1]}
SECONDS = 4.0  # of rest before a cue, and of a trial after it
BAND, SETTLED = (8.0, 30.0), 0.5  # Hz; seconds from the cue until the rhythms follow it
SIZES = (3, 5, 10, 15, 19)  # training trials of each class; people have 21 to 24
COPIES = 9  # changed copies of a trial, so that 5 trials of each class give as many as GET does
NOISE = 0.2  # standard deviation of the noise over the standard deviation of the channel
SHIFT = 0.5  # seconds by which a trial is shifted at most
FOLDS = 5  # of the gate
WAYS = (
    "real",
    "GET",
    "GET, equal weight",
    "GET, own rest",
    "GET, gated",
    "GET, shuffled",
    "FT surrogate",
    "noise",
    "shift",
    "GET only",
)

#: Ways in the picture, with their colours and labels.
SHOWN = {
    "real": ("black", "recorded trials alone"),
    "GET": ("C0", "+ GET"),
    "GET, equal weight": ("C2", "+ GET, equal weight"),
    "FT surrogate": ("0.6", "+ Fourier surrogates"),
    "GET, shuffled": ("C3", "+ GET, labels shuffled"),
    "GET only": ("C1", "GET alone"),
}


@dataclass(frozen=True)
class Trials:
    """Trials in the tangent space `(trials, features)`, their labels, and the real trial that each stems from."""

    features: np.ndarray
    labels: np.ndarray
    sources: np.ndarray

    def of(self, chosen: np.ndarray) -> "Trials":
        """Some of the trials."""
        return Trials(self.features[chosen], self.labels[chosen], self.sources[chosen])


@dataclass(frozen=True)
class Person:
    """Trials of a person, and what each way of augmentation made of all of them."""

    subject: str
    real: Trials
    made: Trials
    copies: dict[str, Trials]


def main() -> None:
    """Generates trials of each person, or takes them from --work, then measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eegmmidb/")
    parser.add_argument("--work", type=Path, required=True, help="folder for generated trials, which are kept")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--people", type=int, help="number of people, the first ones; all without it")
    parser.add_argument("--draws", type=int, default=20, help="draws of training trials, of each person and size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--write", type=Path, help="document that has a place for the table")
    parser.add_argument("--plot", type=Path, help="picture to write: learning curves")
    args = parser.parse_args()
    for name in ("people", "draws"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f"--{name} must be 1 or more, not {getattr(args, name)}.")
    logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    try:
        recordings = list(get_corpus("eegmmidb").recordings(args.data, args.split))
        args.work.mkdir(parents=True, exist_ok=True)
        if args.write is not None:
            fill_card(args.write.read_text(encoding="utf-8"), "augmentation", "", str(args.write))  # before the work
    except (ValueError, OSError) as error:
        parser.error(str(error))

    accuracies: dict[str, dict[str, list[list[float]]]] = {}
    for subject, group in islice(groupby(recordings, key=lambda each: each.subject), args.people):
        begin = time.perf_counter()
        epochs = trials_of(list(group))
        person = prepared(subject, epochs, generated(subject, epochs, args.work, args.seed), args.seed)
        accuracies[subject] = measured(person, args.draws, args.seed)
        print(f"{subject}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    result = {"split": args.split, "draws": args.draws, "people": list(accuracies), "rows": rows_of(accuracies)}
    print(table_of(result))
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if args.write is not None:
        write(result, args.write)
    if args.plot is not None:
        plot(result, args.plot)


def trials_of(recordings: list) -> mne.Epochs:
    """Trials of imagined fists with the rest before them, from -4 to 4 s."""
    parts = []
    for recording in recordings:
        if recording.session not in RUNS:
            continue
        raw = recording.open()
        spelt = {name.strip(".").upper(): name for name in raw.ch_names}
        raw.pick([spelt[name.upper()] for name in USUAL_CHANNELS])
        raw.annotations.description = np.array([NAMES.get(name, name) for name in raw.annotations.description])
        events, event_id = mne.events_from_annotations(
            raw, {"rest": 1, "left_fist": 2, "right_fist": 3}, verbose="ERROR"
        )
        event_id = {name: event_id[name] for name in CLASSES}
        parts.append(
            mne.Epochs(raw, events, event_id, -SECONDS, SECONDS, baseline=None, preload=True, verbose="ERROR")
        )
    return mne.concatenate_epochs(parts, verbose="ERROR")


def generated(subject: str, epochs: mne.Epochs, work: Path, seed: int) -> mne.BaseEpochs:
    """What GET makes of all rest of a person with both cues; kept in a folder, by checkpoint and seed."""
    hashes = json.loads((CHECKPOINT / "checkpoint_files.json").read_text(encoding="utf-8"))
    made_by = hashes["model"]["model.safetensors"][:8]
    path = work / f"{subject}-{made_by}-{seed}-epo.fif"
    if not path.exists():
        rest = epochs.copy().crop(tmax=0, include_tmax=False)
        made = augment(epochs, len(rest), rest=rest, pretrained=load_pretrained(), seed=seed)
        with written_whole(path) as file:
            made.save(file, fmt="single", overwrite=True, verbose="ERROR")
    return mne.read_epochs(path, verbose="ERROR")


def prepared(subject: str, epochs: mne.BaseEpochs, made: mne.BaseEpochs, seed: int) -> Person:
    """All that a decoder may learn from, in the tangent space at the mean of the person's rest."""
    rate = epochs.info["sfreq"]
    real = filtered(epochs)
    space = TangentSpace().fit(covariances_of(real[..., : -round(SECONDS * rate) - 1], rate, before=0.0))

    def features(signals: np.ndarray) -> np.ndarray:
        return space.transform(covariances_of(signals, rate, SECONDS))

    labels, of_made = (
        np.array([CLASSES.index(_name(each, code)) for code in each.events[:, 2]]) for each in (epochs, made)
    )
    sources = np.arange(len(labels))
    copies = {
        way: Trials(
            np.concatenate([features(copy) for copy in copied]), np.tile(labels, COPIES), np.tile(sources, COPIES)
        )
        for way, copied in surrogates(real, rate, np.random.default_rng(seed)).items()
    }
    from_rest = Trials(features(filtered(made)), of_made, made.metadata["prompt"].to_numpy())
    return Person(subject, Trials(features(real), labels, sources), from_rest, copies)


def _name(epochs: mne.BaseEpochs, code: int) -> str:
    return next(name for name, value in epochs.event_id.items() if value == code)


def filtered(epochs: mne.BaseEpochs) -> np.ndarray:
    """Epochs `(epochs, channels, times)` in microvolts, in `BAND`; the rest before them is the filter's margin."""
    sos = sps.butter(4, BAND, "bandpass", fs=epochs.info["sfreq"], output="sos")
    return sps.sosfiltfilt(sos, epochs.get_data(units="uV"), axis=-1)


def covariances_of(signals: np.ndarray, rate: float, before: float) -> np.ndarray:
    """Covariances of signals without what lies before the cue, and without the first `SETTLED` seconds."""
    return Covariances("oas").transform(signals[..., round((before + SETTLED) * rate) :])


def surrogates(real: np.ndarray, rate: float, rng: np.random.Generator) -> dict[str, Iterator[np.ndarray]]:
    """Changed copies of trials, `COPIES` times.

    - FT surrogate: the same random phases are added to all channels (Schwabedal et al., "Addressing class imbalance in
      classification problems of noisy signals by using Fourier transform surrogates", 2018; braindecode's
      `FTSurrogate` with `channel_indep=False`).
    - noise: white noise in the band, `NOISE` of each channel.
    - shift: a window that begins up to `SHIFT` seconds earlier.
    """
    n_times = real.shape[-1]
    sos = sps.butter(4, BAND, "bandpass", fs=rate, output="sos")

    def surrogate() -> np.ndarray:
        spectra = np.fft.rfft(real, axis=-1)
        phases = rng.uniform(0, 2 * np.pi, (len(real), 1, spectra.shape[-1]))
        return np.fft.irfft(spectra * np.exp(1j * phases), n_times, axis=-1)

    def noisy() -> np.ndarray:
        noise = sps.sosfiltfilt(sos, rng.standard_normal(real.shape), axis=-1)
        noise /= noise.std(axis=-1, keepdims=True)
        return real + NOISE * real.std(axis=-1, keepdims=True) * noise

    def shifted() -> np.ndarray:
        shifts = rng.integers(0, round(SHIFT * rate), len(real))
        return np.stack([np.roll(trial, shift, axis=-1) for trial, shift in zip(real, shifts, strict=True)])

    ways = {"FT surrogate": surrogate, "noise": noisy, "shift": shifted}
    return {way: (make() for _ in range(COPIES)) for way, make in ways.items()}


def measured(person: Person, draws: int, seed: int) -> dict[str, list[list[float]]]:
    """Accuracy by way of augmentation, of each size and draw."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[list[float]]] = {way: [[] for _ in SIZES] for way in WAYS}
    for place, size in enumerate(SIZES):
        for _ in range(draws):
            labels = person.real.labels
            chosen = np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:size] for label in (0, 1)])
            train, test = person.real.of(chosen), person.real.of(np.setdiff1d(np.arange(len(labels)), chosen))
            if len(np.unique(test.labels)) < 2 or len(chosen) < 2 * size:
                continue
            for way, added in additions(person, chosen, rng).items():
                found[way][place].append(accuracy(train, added, test))
            equal = len(train.labels) / len(person.made.labels)
            found["GET, equal weight"][place].append(accuracy(train, person.made, test, equal))
            gain = gate(train, person.made, rng)
            found["GET, gated"][place].append(found["GET" if gain > 0 else "real"][place][-1])
            found["GET only"][place].append(accuracy(None, person.made, test))
    return found


def additions(person: Person, chosen: np.ndarray, rng: np.random.Generator) -> dict[str, Trials | None]:
    """Trials that each way adds to the chosen ones."""
    made = person.made
    shuffled = Trials(made.features, rng.permutation(made.labels), made.sources)
    added: dict[str, Trials | None] = {
        "real": None,
        "GET": made,
        "GET, own rest": made.of(np.isin(made.sources, chosen)),
        "GET, shuffled": shuffled,
    }
    for way, copies in person.copies.items():
        own = np.flatnonzero(np.isin(copies.sources, chosen))
        added[way] = copies.of(rng.permutation(own)[: len(made.labels)])
    return added


def accuracy(train: Trials | None, added: Trials | None, test: Trials, weight: float = 1.0) -> float:
    """Accuracy on test trials of a decoder that learns from training trials and from added ones with a weight."""
    parts = [part for part in (train, added) if part is not None]
    features, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("features", "labels"))
    weights = np.concatenate([np.full(len(part.labels), weight if part is added else 1.0) for part in parts])
    decoder = LogisticRegression(max_iter=300).fit(features, labels, sample_weight=weights)
    return float(decoder.score(test.features, test.labels))


def gate(train: Trials, made: Trials, rng: np.random.Generator) -> float:
    """Gain in accuracy from generated trials, in a cross-validation of the training trials."""
    folds = StratifiedKFold(min(FOLDS, len(train.labels) // 2), shuffle=True, random_state=int(rng.integers(2**31)))
    gains = [
        accuracy(train.of(inner), made, train.of(outer)) - accuracy(train.of(inner), None, train.of(outer))
        for inner, outer in folds.split(train.features, train.labels)
    ]
    return float(np.mean(gains))


def rows_of(accuracies: dict[str, dict[str, list[list[float]]]]) -> list[dict]:
    """Mean accuracy, gain over real trials with its interval, and harm, by size and way."""
    rng = np.random.default_rng(0)
    rows = []
    for place, size in enumerate(SIZES):
        people = [subject for subject, found in accuracies.items() if found["real"][place]]
        sample = rng.integers(0, len(people), (10_000, len(people))) if people else None
        for way in WAYS if people else ():
            mean = np.array([np.mean(accuracies[subject][way][place]) for subject in people])
            gain = mean - np.array([np.mean(accuracies[subject]["real"][place]) for subject in people])
            low, high = np.percentile(gain[sample].mean(axis=1), (2.5, 97.5))
            rows.append(
                {
                    "trials a class": size,
                    "way": way,
                    "people": len(people),
                    "accuracy": float(mean.mean()),
                    "gain": float(gain.mean()),
                    "interval": [float(low), float(high)],
                    "harm": float(np.mean(gain < 0)),
                }
            )
    return rows


def table_of(result: dict) -> str:
    """The rows in Markdown."""
    lines = [
        f"{result['split']} people: {len(result['people'])}; {result['draws']} draws of each size",
        "",
        "| trials a class | way | accuracy | gain [95 % over people] | harm |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        gain = f"{row['gain']:+.3f} [{row['interval'][0]:+.3f} {row['interval'][1]:+.3f}]"
        gain = "" if row["way"] == "real" else gain
        harm = "" if row["way"] == "real" else f"{row['harm']:.2f}"
        lines.append(f"| {row['trials a class']} | {row['way']} | {row['accuracy']:.3f} | {gain} | {harm} |")
    return "\n".join(lines)


def write(result: dict, path: Path) -> None:
    """Replaces what stands between the marks of a document."""
    text = fill_card(path.read_text(encoding="utf-8"), "augmentation", table_of(result), str(path))
    path.write_text(text, encoding="utf-8")


def plot(result: dict, path: Path) -> None:
    """Learning curves of the decoder, and the gains of generated trials and of controls with their intervals."""
    import matplotlib
    from matplotlib.figure import Figure

    from get_hf.plotting import STYLE

    def curve(way: str, figure: str) -> np.ndarray:
        return np.array([row[figure] for row in result["rows"] if row["way"] == way])

    sizes = [row["trials a class"] for row in result["rows"] if row["way"] == "real"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.2), dpi=150, layout="constrained")
        curves, gains = figure.subplots(1, 2)
        for place, (way, (colour, label)) in enumerate(SHOWN.items()):
            curves.plot(sizes, curve(way, "accuracy"), "o-", color=colour, label=label, ms=3)
            if way != "real":
                gain, limits = curve(way, "gain"), curve(way, "interval").T
                beside = np.array(sizes) + 0.25 * (place - len(SHOWN) / 2)  # so that intervals do not overlap
                gains.errorbar(beside, gain, np.abs(limits - gain), fmt="o", color=colour, ms=3, elinewidth=0.8)
        curves.axhline(0.5, color="0.6", lw=0.8, ls=":")
        gains.axhline(0, color="black", lw=0.8)
        curves.set_ylabel("Accuracy on other recorded trials")
        gains.set_ylabel("Gain over recorded trials alone")
        for axis, title in ((curves, "a"), (gains, "b")):
            axis.set_xlabel("Recorded trials of each class")
            axis.set_xticks(sizes)
            axis.set_title(title, loc="left", fontweight="bold")
        figure.legend(*curves.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        figure.savefig(path)


if __name__ == "__main__":
    main()
