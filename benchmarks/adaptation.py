# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Adaptation of a classifier to a person it never met: calibration without labels, and a few labelled trials.

    python benchmarks/adaptation.py --data DATA --write docs/guide/classifying.md

The classifier of left and right fist is judged on each person of a split. Its transform is estimated from each trial
alone, from the first minute of the person's first run, or from the whole run of the trial. Then the person labels 10,
20 or 40 trials, drawn at random, and the other trials judge three classifiers: the unchanged one, a logistic
regression that knows these trials alone, and the classifier adapted to them as `GETClassifier(method="adapt")` does
it. Look at the test split once, at the end: `--split test`.
"""

import argparse
import json
from pathlib import Path

import mne
import numpy as np
import torch
from rich.progress import track

from get_hf import GETFeatureExtractor, GETForSequenceClassification, load_classifier
from get_hf.estimator_base import INPUTS
from get_hf.training.corpora import get_corpus
from get_hf.training.corpora.corpus import Recording
from get_hf.training.data.provenance import provenance
from get_hf.training.evaluation.report import fill_card
from get_hf.training.finetuning.figures import interval
from get_hf.training.finetuning.probe import adapt_linear, choose_strength, fit_linear, standardise

#: What the transform of a trial is estimated from.
POLICIES = ("each trial", "first minute", "whole run")
#: Numbers of labelled trials of the new person.
SIZES = (10, 20, 40)


def trials_of(recording: Recording, classes: dict[str, int], seconds: float) -> tuple[mne.Epochs, np.ndarray] | None:
    """The trials of a recording from their cues on, and their classes; None without trials."""
    raw = recording.open()
    spans = [
        (onset, classes[name])
        for onset, end, name in recording.condition_spans(raw)
        if name in classes and onset + seconds <= raw.times[-1] and end - onset > seconds - 0.2
    ]
    if not spans:
        return None
    onsets = raw.first_samp + raw.time_as_index([onset for onset, _ in spans])
    labels = np.array([label for _, label in spans])
    events = np.stack([onsets, np.zeros_like(onsets), labels], axis=1)
    length = seconds - 1 / raw.info["sfreq"]
    epochs = mne.Epochs(raw, events, tmin=0, tmax=length, baseline=None, preload=True, verbose="error")
    return epochs, labels


def features_of(
    model: GETForSequenceClassification, extractor: GETFeatureExtractor, epochs: mne.Epochs, calibrate_on: object
) -> torch.Tensor:
    """Features of epochs, `(epochs, n_features)`."""
    inputs = extractor(epochs, calibrate_on=calibrate_on)
    with torch.no_grad():
        return model.embed(**{name: inputs[name] for name in INPUTS}).float()


def person_features(
    model: GETForSequenceClassification, extractor: GETFeatureExtractor, recordings: list[Recording]
) -> tuple[dict[str, torch.Tensor], np.ndarray] | None:
    """Features of a person's trials by each policy, `(trials, n_features)`, and their classes."""
    classes = {name: label for label, name in model.config.id2label.items()}
    first_minute = None
    parts: dict[str, list[torch.Tensor]] = {policy: [] for policy in POLICIES}
    labels = []
    for recording in sorted(recordings, key=lambda one: one.session):
        found = trials_of(recording, classes, model.config.window_seconds)
        if found is None:
            continue
        epochs, own_labels = found
        raw = recording.open()
        if first_minute is None:
            first_minute = extractor.calibrate(raw.copy().crop(0, min(60, raw.times[-1])))
        for policy, source in zip(POLICIES, ("each", first_minute, extractor.calibrate(raw)), strict=True):
            parts[policy].append(features_of(model, extractor, epochs, source))
        labels.append(own_labels)
    if not labels:
        return None
    return {policy: torch.cat(own) for policy, own in parts.items()}, np.concatenate(labels)


def probabilities(model: GETForSequenceClassification, features: torch.Tensor) -> np.ndarray:
    """The classifier's probabilities, `(trials, classes)`."""
    with torch.no_grad():
        return model.classifier(features).softmax(-1).numpy()


def after_labels(
    model: GETForSequenceClassification, features: torch.Tensor, labels: np.ndarray, size: int, draws: int, seed: int
) -> dict[str, float]:
    """Accuracy of a person after `size` labelled trials, averaged over draws, on the trials that were not drawn.

    Args:
        model: The classifier. It is the same afterwards.
        features: The person's features `(trials, n_features)`, standardised by the classifier.
        labels: The person's classes `(trials,)`.
        size: Number of labelled trials; the classes have equally many, where there are enough trials.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    own = probabilities(model, features)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    hits: dict[str, list[float]] = {"unchanged": [], "own trials alone": [], "adapted": []}
    for _ in range(draws):
        order = rng.permutation(len(labels))
        per_class = [order[labels[order] == label][: size // len(np.unique(labels))] for label in np.unique(labels)]
        drawn = np.concatenate(per_class)
        rest = np.setdiff1d(order, drawn)
        adapt_linear(model, features[drawn], labels[drawn])
        adapted = probabilities(model, features)
        points = standardise(model, features[drawn])
        fit_linear(model, points, labels[drawn], choose_strength(points, labels[drawn]))
        pooling = model.pooling
        raw = features * before["pooling.deviation"] + before["pooling.mean"]
        personal = probabilities(model, (raw - pooling.mean) / pooling.deviation)
        model.load_state_dict(before)
        for name, guess in zip(hits, (own, personal, adapted), strict=True):
            hits[name].append(float((guess[rest].argmax(1) == labels[rest]).mean()))
    return {name: float(np.mean(values)) for name, values in hits.items()}


def run(checkpoint: str | None, data: Path, split: str, draws: int, seed: int = 0) -> dict:
    """Judges the classifier on the people of a split, and returns the table."""
    model, extractor = load_classifier(checkpoint or "fists")
    by_person: dict[str, list[Recording]] = {}
    for recording in get_corpus("eegmmidb").recordings(data, split):
        by_person.setdefault(recording.subject, []).append(recording)
    rows: dict[str, dict[str, float]] = {}
    for person, recordings in track(sorted(by_person.items()), description="people"):
        found = person_features(model, extractor, recordings)
        if found is None:
            continue
        features, labels = found
        for policy in POLICIES:
            accuracy = (probabilities(model, features[policy]).argmax(1) == labels).mean()
            rows.setdefault(f"0 | calibrated on {policy}", {})[person] = float(accuracy)
        for size in SIZES:
            if size + 4 > len(labels):
                continue
            for name, accuracy in after_labels(model, features["whole run"], labels, size, draws, seed).items():
                rows.setdefault(f"{size} | {name}", {})[person] = accuracy
    return {"about": provenance(split=split, draws=draws, seed=seed), "rows": rows}


def table_of(result: dict) -> str:
    """The rows in Markdown; the gain of a number of labels is over the unchanged classifier on the same trials."""
    about = result["about"]
    lines = [
        f"{about['split']} people, {about['draws']} draws; {about['date']}, commit {about['commit']}, "
        f"{about['machine']}.",
        "",
        "| labelled trials of the person | classifier | accuracy [95 % over people] | gain |",
        "|---|---|---|---|",
    ]
    for key, by_person in result["rows"].items():
        size, _, name = key.partition(" | ")
        low, high = interval(list(by_person.values()))
        unchanged = result["rows"].get(f"{size} | unchanged")
        gain = ""
        if unchanged is not None and by_person is not unchanged:
            gains = [value - unchanged[person] for person, value in by_person.items()]
            gain = "{:+.3f} [{:+.3f}, {:+.3f}]".format(np.mean(gains), *interval(gains))
        lines.append(f"| {size} | {name} | {np.mean(list(by_person.values())):.3f} [{low:.3f}, {high:.3f}] | {gain} |")
    return "\n".join(lines)


def write(document: Path | None, table: str) -> None:
    """Replaces the table of a document, if there is one; an empty table only checks that there is a place for it."""
    if document is None:
        return
    text = fill_card(document.read_text(encoding="utf-8"), "adaptation", table, str(document))
    if table:
        document.write_text(text, encoding="utf-8")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with eegmmidb")
    parser.add_argument("--checkpoint", help="classifier with classes named as conditions; default: the shipped fists")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--draws", type=int, default=20, help="draws of labelled trials")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--write", type=Path, help="document whose table is replaced")
    options = parser.parse_args()
    write(options.write, "")  # a document without a place for the table is refused before the work
    result = run(options.checkpoint, options.data, options.split, options.draws)
    print(table_of(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    write(options.write, table_of(result))


if __name__ == "__main__":
    main()
