# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What becomes of damaged files: every one is answered by a sentence, or read plausibly, and nobody dies of it.

    python benchmarks/fuzz_reading.py --write CONTRIBUTING.md

Small EDF, BDF, FIF and SET files are written, and each mutation damages one: bits flipped, an end cut off, pieces
exchanged, numbers replaced. The same seed and number give the same mutation. The files are read in a process of its
own, so that its death would be counted, and found by its number.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mne
import numpy as np
import scipy.io

from get_hf import GETFeatureExtractor, load_recording, save_recording
from get_hf.processing.plausibility_get import HIGHEST_MICROVOLTS, usable_channels
from get_hf.processing.reading_get import read_recordings
from get_hf.processing.signal_get import level

NAMES = ["Fp1", "C3", "Cz", "O2"]
RATE, SECONDS = 100, 8
FORMATS = ("edf", "bdf", "fif", "set")
#: Seconds beyond which a file hangs whoever gave it.
LONGEST_SECONDS = 10.0
#: What a run should count none of.
FAULTS = ("death", "hang", "above 3 mV", "no sentence")
_NUMBERS = ("-1", "0", "1", "7", "255", "99999", "99999999", "1e300", "nan", "-32768", "1e-9", "", "x")
_MARK = re.compile(r"(<!-- fuzz_reading:begin -->).*?(<!-- fuzz_reading:end -->)", re.DOTALL)


def write_originals(folder: Path) -> dict[str, bytes]:
    """The whole files that are damaged: four channels of noise that is as slow and as strong as EEG."""
    rng = np.random.default_rng(0)
    noise = np.cumsum(rng.normal(size=(len(NAMES), SECONDS * RATE)), axis=-1)
    microvolts = 20 * (noise - noise.mean(axis=-1, keepdims=True)) / noise.std(axis=-1, keepdims=True)
    raw = mne.io.RawArray(1e-6 * microvolts, mne.create_info(NAMES, float(RATE), "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([2.0], [1.0], ["eyes_closed"]))
    save_recording(raw, folder / "x.edf")
    mne.export.export_raw(folder / "x.bdf", raw, fmt="bdf", verbose="error")
    save_recording(raw, folder / "x.fif")
    locations = np.zeros(len(NAMES), dtype=[("labels", object)])
    locations["labels"] = NAMES
    eeg = {
        "setname": "x",
        "nbchan": len(NAMES),
        "trials": 1,
        "pnts": SECONDS * RATE,
        "srate": float(RATE),
        "xmin": 0.0,
    }
    eeg |= {"xmax": float(SECONDS), "data": microvolts.astype("f4"), "chanlocs": locations, "event": np.array([])}
    eeg |= dict.fromkeys(("icawinv", "icaweights", "icasphere", "icachansind", "urevent", "epoch"), np.array([]))
    scipy.io.savemat(
        folder / "x.set", {"EEG": eeg | {"ref": "common", "chaninfo": {"nosedir": "+X"}}}, appendmat=False
    )
    return {suffix: (folder / f"x.{suffix}").read_bytes() for suffix in FORMATS}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Damages a file in one of six ways, half of the time in its first 2,000 bytes, where headers are."""
    out = bytearray(content)
    reach = min(len(out), 2000) if rng.random() < 0.5 else len(out)
    at = int(rng.integers(reach))
    kind = rng.integers(6)
    if kind == 0:  # bits
        for place in rng.integers(reach, size=int(rng.integers(1, 65))):
            out[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:  # the end
        del out[at:]
    elif kind == 2:  # fields of eight bytes change places
        one, other = 8 * int(rng.integers(reach // 8)), 8 * int(rng.integers(reach // 8))
        out[one : one + 8], out[other : other + 8] = out[other : other + 8], out[one : one + 8]
    elif kind == 3:  # a number in a text header
        field = 8 * (at // 8)
        out[field : field + 8] = str(rng.choice(_NUMBERS)).encode().ljust(8)[: len(out) - field]
    elif kind == 4:  # a number in a binary header
        number = int(rng.choice([0, 1, -1, 2**31 - 1, -(2**31), 2**16, 2**24]))
        order = "big" if rng.random() < 0.5 else "little"
        field = 4 * (at // 4)
        out[field : field + 4] = number.to_bytes(4, order, signed=True)[: len(out) - field]
    else:  # bytes too few or too many
        size = int(rng.integers(1, 200))
        out[at : at + (size if rng.random() < 0.5 else 0)] = rng.bytes(size if rng.random() < 0.5 else 0)
    return bytes(out)


def outcome(number: int, seed: int, originals: dict[str, bytes], folder: Path, extractor: GETFeatureExtractor) -> str:
    """What becomes of one mutation: "read", "refused", or one of `FAULTS`; it hangs if it does so twice."""
    for _ in range(2):
        started = time.monotonic()
        found = _outcome(number, seed, originals, folder, extractor)
        if time.monotonic() - started <= LONGEST_SECONDS:  # beyond, a busy machine may be to blame
            return found
    return "hang"


def _outcome(number: int, seed: int, originals: dict[str, bytes], folder: Path, extractor: GETFeatureExtractor) -> str:
    rng = np.random.default_rng([seed, number])
    suffix = FORMATS[number % len(FORMATS)]
    path = folder / f"damaged{number}.{suffix}"
    path.write_bytes(mutated(originals[suffix], rng))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(path, extractor)
    except (ValueError, OSError) as error:
        message = str(error)
        return "refused" if message.endswith(".") and "\n" not in message and len(message) < 600 else "no sentence"
    except Exception:
        return "no sentence"
    finally:
        path.unlink()


def _read(path: Path, extractor: GETFeatureExtractor) -> str:
    """Reads a file as the feature extractor does, up to where the innovation space begins."""
    (recording,) = read_recordings(load_recording(path), None, None, None)
    names = [name for name, bad in zip(recording.ch_names, recording.bad, strict=True) if not bad]
    clean = extractor.clean(level(recording.data[~recording.bad], recording.edges), recording.sampling_rate)
    used = usable_channels(clean, names)
    return "above 3 mV" if np.abs(clean[used]).max() > HIGHEST_MICROVOLTS else "read"


def outcomes(first: int, last: int, seed: int) -> Iterator[tuple[int, str]]:
    """Number and outcome of mutations `first` to `last`."""
    extractor = GETFeatureExtractor()
    with tempfile.TemporaryDirectory() as name:
        originals = write_originals(Path(name))
        for number in range(first, last):
            yield number, outcome(number, seed, originals, Path(name), extractor)


def watched(n_mutations: int, seed: int) -> Iterator[tuple[int, str]]:
    """The same from a process of its own, started anew behind a mutation that it dies of."""
    number = 0
    while number < n_mutations:
        command = [
            sys.executable,
            __file__,
            "--from",
            str(number),
            "--mutations",
            str(n_mutations),
            "--seed",
            str(seed),
        ]
        with subprocess.Popen([*command, "--here"], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                number, found = json.loads(line)
                yield number, found
                number += 1
        if process.returncode and number < n_mutations:
            yield number, "death"
            number += 1


def line(counts: Counter) -> str:
    """What was counted, in one line of Markdown."""
    faults = {
        "death": "deaths of the calling process",
        "hang": f"hangs over {LONGEST_SECONDS:g} s",
        "above 3 mV": "accepted with a channel above 3 mV after cleaning",
        "no sentence": "answered by something else than a sentence",
    }
    told = ", ".join(f"{counts[fault]} {text}" for fault, text in faults.items())
    return (
        f"Of {counts.total():,} damaged EDF, BDF, FIF and SET files {counts['refused']:,} were refused in one "
        f"sentence and {counts['read']:,} read plausibly; {told}."
    )


def main() -> None:
    """Runs the mutations, prints the line, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", action="store_true", help="in this process, an outcome a line")
    parser.add_argument("--write", type=Path, help="Markdown file that has the markers fuzz_reading")
    args = parser.parse_args()
    if args.here:
        for found in outcomes(args.first, args.mutations, args.seed):
            print(json.dumps(found), flush=True)
        return
    counts = Counter()
    for number, found in watched(args.mutations, args.seed):
        counts[found] += 1
        if found in FAULTS:
            print(f"mutation {number} of seed {args.seed}: {found}", file=sys.stderr)
    print(line(counts))
    if args.write is not None:
        text = args.write.read_text(encoding="utf-8")
        args.write.write_text(_MARK.sub(rf"\1\n{line(counts)}\n\2", text), encoding="utf-8")
    sys.exit(any(counts[fault] for fault in FAULTS))


if __name__ == "__main__":
    main()
