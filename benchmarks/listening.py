# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How far a listener is from `score` and `classify` of the same recording, by its lookahead, and how fast it is.

    python benchmarks/listening.py --data DATA --write docs/guide/live.md

The stream is a minute with eyes closed of training people of EEGMMIDB (20 channels, resampled to 250 Hz), and their
minute with eyes open is the reference. It comes in blocks of 0.04 s, as fast as it goes. The first ten seconds do not
count, in which filters settle. Heartbeats and blinks are sought in other parts of a recording than offline, which
changes scores too: the row "offline" compares `score` with itself, where it reads pieces of 15 instead of 60 seconds.
"""

import argparse
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import torch

from get_hf import classify, load_classifier, load_pretrained, scoring
from get_hf.live.listener import Finding, Listener
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.scoring import fit_reference, score_recording
from get_hf.training.corpora import get_corpus
from get_hf.training.data.provenance import provenance
from get_hf.training.evaluation.report import fill_card

RATE, BLOCK, CLASSIFIER = 250.0, 10, "eyes"
LOOKAHEADS = (0.5, 1.0, 2.0, 4.0)
#: Patches and windows that do not count.
N_SETTLING, N_WINDOWS = 40, 8


def main() -> None:
    """Measures, prints a table and a sentence, and writes them where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with eegmmidb")
    parser.add_argument("--people", type=int, default=3, help="number of training people")
    parser.add_argument("--write", type=Path, help="Markdown file that has the markers listening")
    options = parser.parse_args()
    if options.write is not None:
        written(options.write, "")  # before the work
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    torch.set_num_threads(1)
    text = measured(pairs(options.data, options.people))
    print(text)
    if options.write is not None:
        options.write.write_text(written(options.write, text), encoding="utf-8")


def written(document: Path, text: str) -> str:
    """The text of a document with new figures.

    Raises:
        ValueError: The document has no place for them.
    """
    return fill_card(document.read_text(encoding="utf-8"), "listening", text, str(document))


def pairs(data: Path, n_people: int) -> list[tuple[mne.io.BaseRaw, mne.io.BaseRaw]]:
    """The minutes with open and with closed eyes of training people."""
    by_person: dict[str, dict[str, mne.io.BaseRaw]] = {}
    for recording in get_corpus("eegmmidb").recordings(data, "train"):
        run = recording.session[-3:]
        if run in ("R01", "R02") and (len(by_person) < n_people or recording.subject in by_person):
            by_person.setdefault(recording.subject, {})[run] = prepared(recording.open())
    return [(runs["R01"], runs["R02"]) for runs in by_person.values() if len(runs) == 2]


def prepared(raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """20 channels at 250 Hz, and whole seconds, because windows of `classify` are counted from the end."""
    wanted = {name.upper() for name in USUAL_CHANNELS}
    raw = raw.load_data().pick([name for name in raw.ch_names if name.strip(".").upper() in wanted])
    return raw.resample(RATE).crop(0, int(raw.times[-1]), include_tmax=False)


def measured(recordings: list[tuple[mne.io.BaseRaw, mne.io.BaseRaw]]) -> str:
    """The table and the sentence."""
    pair, classifier = load_pretrained(), load_classifier(CLASSIFIER)
    rows: dict[str, list[np.ndarray]] = {f"{seconds:g} s": [] for seconds in LOOKAHEADS} | {"offline": []}
    shares: dict[str, list[np.ndarray]] = {name: [] for name in rows}
    speeds: dict[bool, list[float]] = {False: [], True: []}
    for usual, raw in recordings:
        reference = fit_reference(usual, *pair)
        expected = score_recording(raw, *pair, reference).channels
        windows = classify(raw, *classifier, stride_seconds=1.0, calibrate_on=usual).scores
        chunk, scoring.CHUNK_SECONDS = scoring.CHUNK_SECONDS, 15.0
        again = score_recording(raw, *pair, reference).channels
        scoring.CHUNK_SECONDS = chunk
        rows["offline"].append(np.abs(again - expected)[:, N_SETTLING:].ravel())
        for seconds in LOOKAHEADS:
            listener = Listener(*pair, raw.info, reference, classifier=classifier, lookahead_seconds=seconds)
            found, ratio = heard(listener, raw)
            channels = np.stack([each.channels for each in found], axis=-1)
            rows[f"{seconds:g} s"].append(np.abs(channels - expected[:, : len(found)])[:, N_SETTLING:].ravel())
            said = np.array([each.probabilities for each in found if each.probabilities is not None])
            n = min(len(said), len(windows) - 1)
            shares[f"{seconds:g} s"].append(np.abs(said[:n] - windows[:n])[N_WINDOWS:, 0])
            speeds[True].append(ratio)
        speeds[False].append(heard(Listener(*pair, raw.info, reference), raw)[1])
    lines = [
        "| lookahead | median difference of a patch and channel, in deviations | 95 % are below | largest difference "
        "of a probability |",
        "|---|---|---|---|",
    ]
    for name, parts in rows.items():
        differences = np.concatenate(parts)
        differences = differences[np.isfinite(differences)]
        most = f"{np.concatenate(shares[name]).max():.1g}" if shares[name] else ""
        lines.append(f"| {name} | {np.median(differences):.1g} | {np.quantile(differences, 0.95):.2g} | {most} |")
    alone, with_classes = (float(np.median(speeds[key])) for key in (False, True))
    about = provenance()
    lines += [
        "",
        f"Compared with `get-hf score` and `get-hf classify` of {len(recordings)} recordings (20 channels at 250 Hz; "
        'the row "offline" compares `get-hf score` with itself where it cuts a recording elsewhere). One thread took '
        f"1 s for {alone:.1f} s of EEG, and for {with_classes:.1f} s with `--classifier {CLASSIFIER}`. "
        f"{about['date']}, commit {about['commit']}, {about['machine']}.",
    ]
    return "\n".join(lines)


def heard(listener: Listener, raw: mne.io.BaseRaw) -> tuple[list[Finding], float]:
    """The findings of a recording that comes in blocks, and the seconds of EEG in a second."""
    samples, found = 1e6 * raw.get_data(), []
    times = np.arange(raw.n_times) / RATE
    began = time.perf_counter()
    for at in range(0, raw.n_times, BLOCK):
        found += listener.push(samples[:, at : at + BLOCK], times[at : at + BLOCK])
    found += listener.finish()
    return found, times[-1] / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
