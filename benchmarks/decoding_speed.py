# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How fast GET decodes: ratios of times that are measured in one run, on the same machine.

    python benchmarks/decoding_speed.py --data DATA

- `GETClassifier` is fitted to 45 trials of one person (4 s, 64 channels), from `mne.Epochs` on, and with the
  checkpoint still to be loaded; against EEGNet on the same trials, as `decoding.py` trains it (at least 400 updates).
- `classify` answers a file of two minutes; against 10 s of EEG that are generated for the same file. Both models are
  loaded, and both read and prepare the file.

Both are measured in turn, and a ratio is that of the medians. It should be below 1.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import torch
from decoders import RATE, Trials, network

from get_hf import GETClassifier, classify, load_classifier, load_pretrained, save_recording
from get_hf.training.corpora import get_corpus
from get_hf.training.data.provenance import provenance

#: Runs of EEGMMIDB with imagined fists, and the events of both fists.
RUNS, FISTS = ("R04", "R08", "R12"), {"T1": "left_fist", "T2": "right_fist"}
N_TRIALS, TRIAL_SECONDS, FILE_SECONDS, GENERATED_SECONDS = 45, 4.0, 120.0, 10.0


def main() -> None:
    """Measures, prints a table, and writes JSON where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with eegmmidb")
    parser.add_argument("--person", default="S001", help="whose trials, one of the training people")
    parser.add_argument("--classifier", default="eyes", help="what classify asks")
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    raws = recordings(options.data, options.person)
    rows = fitting(trials_of(raws), options.repeats) | answering(raws[0], options.classifier, options.repeats)
    print(markdown(rows))
    if options.json:
        report = {"about": provenance(person=options.person, threads=torch.get_num_threads()), "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if slow := [name for name, row in rows.items() if row["ratio"] >= 1]:
        sys.exit(f"Slower than what they are compared with: {', '.join(slow)}.")


def recordings(data: Path, person: str) -> list[mne.io.BaseRaw]:
    """The recordings of imagined fists of a training person.

    Raises:
        ValueError: The corpus has none.
    """
    found = [
        recording.open().load_data()
        for recording in get_corpus("eegmmidb").recordings(data, "train")
        if recording.subject == person and recording.session.endswith(RUNS)
    ]
    if not found:
        raise ValueError(f"{data} has no runs {', '.join(RUNS)} of {person} among the training people.")
    return found


def trials_of(raws: list[mne.io.BaseRaw]) -> mne.BaseEpochs:
    """The first trials of recordings, with their classes as names of events."""
    parts = []
    for raw in raws:
        events, codes = mne.events_from_annotations(raw)
        own = {name: codes[event] for event, name in FISTS.items()}
        length = TRIAL_SECONDS - 1 / raw.info["sfreq"]
        parts.append(mne.Epochs(raw, events, own, 0.0, length, baseline=None, preload=True))
    return mne.concatenate_epochs(parts)[:N_TRIALS]


def fitting(epochs: mne.BaseEpochs, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of the fits to trials of one person."""
    labels = (epochs.events[:, 2] == epochs.event_id["right_fist"]).astype(int)
    x = 1e6 * epochs.copy().filter(0.5, 45.0).resample(RATE).get_data()
    trials = Trials(x.astype(np.float32), labels, np.array(["one"] * len(x)))
    one = Trials(trials.x[:1], labels[:1], trials.subjects[:1])
    decode = network("EEGNet")
    return compared(
        "GETClassifier, fitted to 45 trials", lambda: GETClassifier().fit(epochs),
        "EEGNet", lambda: decode(trials, one, 0), repeats,
    )  # fmt: skip


def answering(raw: mne.io.BaseRaw, classifier: str, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of the classification of a file, and of generated EEG for it."""
    decides, prepares = load_classifier(classifier)
    model, extractor = load_pretrained()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording_raw.fif"
        save_recording(raw.copy().crop(0.0, FILE_SECONDS, include_tmax=False), path)

        def generated() -> None:
            features = extractor(path, context_seconds=model.config.context_seconds)
            patches = model.generate(**features, seconds=GENERATED_SECONDS, generator=torch.Generator().manual_seed(0))
            extractor.decode(patches, features)

        return compared(
            "classify, a file of 2 minutes", lambda: classify(path, decides, prepares),
            "10 s generated", generated, repeats,
        )  # fmt: skip


def compared(
    ours: str, first: Callable[[], object], theirs: str, second: Callable[[], object], repeats: int
) -> dict[str, dict[str, float]]:
    """Median seconds of two things that are done in turn, after one of each that does not count; and their ratio."""
    seconds: dict[Callable[[], object], list[float]] = {first: [], second: []}
    for _ in range(repeats + 1):
        for do, own in seconds.items():
            began = time.perf_counter()
            do()
            own.append(time.perf_counter() - began)
            print(f"{ours if do is first else theirs}: {own[-1]:.1f} s", file=sys.stderr, flush=True)
    a, b = (statistics.median(own[1:]) for own in seconds.values())
    return {f"{ours} / {theirs}": {"seconds": a, "seconds of the other": b, "ratio": a / b}}


def markdown(rows: dict[str, dict[str, float]]) -> str:
    """The table in Markdown."""
    lines = ["| what | seconds | ratio |", "|---|---|---|"]
    lines += [
        f"| {name} | {row['seconds']:.2f} / {row['seconds of the other']:.2f} | {row['ratio']:.2f} |"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
