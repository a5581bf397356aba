# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How well missing channels are imputed, on validation people of EEGMMIDB.

    python benchmarks/imputation.py --data DATA --json imputation.json --plot imputation.png \
        --write docs/guide/imputing.md

Of each recording, 15 channels are chosen at random, and imputed from the others: each alone, in sets of three, and in
sets of five. The second half of each recording is judged: there, ridge regression, which was fitted to the true
channels in the first half, shows what no method can know of a channel that was never good. Errors and powers are
relative to the power of the true channel in the band. Each person's figure is the median over their channels; the
table has the mean over people, and 95 % intervals by bootstrap over people. It takes some minutes.
"""

import argparse
import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import mne
import numpy as np
import scipy
from matplotlib.figure import Figure

from get_hf import CHECKPOINT, GETFeatureExtractor, impute
from get_hf.plotting import plot_imputation
from get_hf.processing.montage_get import USUAL_CHANNELS, locate_channels, parse_channel_name
from get_hf.training.corpora import get_corpus
from get_hf.training.evaluation.report import fill_card

TEN_TWENTY = [name for name in USUAL_CHANNELS if name != "Oz"]
MONTAGES = {"64 channels": None, "19 channels": TEN_TWENTY}
#: Channels that are missing at once, and channels of a recording that are judged: a multiple of each.
COUNTS, N_JUDGED = (1, 3, 5), 15
BANDS = {"1-8 Hz": (1.0, 8.0), "8-13 Hz": (8.0, 13.0), "13-30 Hz": (13.0, 30.0), "30-45 Hz": (30.0, 45.0)}
#: Bands in which the mean of draws should have less error than splines.
GOALS = ("1-8 Hz", "8-13 Hz", "13-30 Hz")
N_DRAWS, N_NEIGHBOURS, SECONDS = 20, 4, 60.0
SPLINES, MEAN, DRAW = "spherical splines (MNE)", f"GET, mean of {N_DRAWS} draws", "GET, one draw"
METHODS = (f"mean of {N_NEIGHBOURS} neighbours", SPLINES, MEAN, DRAW, "ridge regression (knows the channel)")
#: Share of the mean power that ridge regression adds.
RIDGE = 1e-3
N_BOOTSTRAPS = 2000
#: Section of a document that takes the tables.
SECTION = "imputation"


def main() -> None:
    """Measures, prints tables in Markdown, and writes JSON and a picture where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds eegmmidb")
    parser.add_argument("--runs", nargs="+", default=["R01", "R02"])
    parser.add_argument("--people", type=int, help="of the split; without it, all")
    parser.add_argument("--checkpoint", default=CHECKPOINT)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--plot", type=Path, help="picture of one channel to write")
    parser.add_argument("--write", type=Path, help="document that has a place for the tables")
    args = parser.parse_args()
    if args.people is not None and args.people < 1:
        parser.error(f"--people must be 1 or more, not {args.people}.")
    mne.set_log_level("ERROR")
    warnings.simplefilter("ignore")
    try:
        extractor = GETFeatureExtractor.from_pretrained(args.checkpoint)
        recordings = list(get_corpus("eegmmidb").recordings(args.data, "validation"))
        if args.write is not None:
            fill_card(args.write.read_text(encoding="utf-8"), SECTION, "", str(args.write))  # before the work
    except (ValueError, OSError) as error:
        parser.error(str(error))
    people = sorted({each.subject for each in recordings})[: args.people]
    rows = []
    for number, each in enumerate(r for r in recordings if r.subject in people and r.session in args.runs):
        raw = opened(each)
        for montage, names in MONTAGES.items():
            chosen = raw.copy().pick(names) if names else raw
            rng = np.random.default_rng([number, len(chosen.ch_names)])
            judged = [str(name) for name in rng.choice(chosen.ch_names, N_JUDGED, replace=False)]
            for missing in sets_of(judged):
                rows += measure(chosen, missing, extractor, {"person": each.subject, "montage": montage})
        print(each.subject, each.session, file=sys.stderr, flush=True)
    results = {"people": people, "runs": args.runs, "rows": summarise(rows), "channels": rows}
    print(table(results["rows"]))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if args.plot is not None:
        eyes_closed = next(r for r in recordings if r.subject == people[0] and r.session == args.runs[-1])
        plot(opened(eyes_closed).pick(TEN_TWENTY), "C3", extractor).savefig(args.plot)
    if args.write is not None:
        text = fill_card(args.write.read_text(encoding="utf-8"), SECTION, table(results["rows"]), str(args.write))
        args.write.write_text(text, encoding="utf-8")
    if failed := shortfalls(results["rows"]):
        sys.exit(" ".join(failed))


def sets_of(channels: list[str]) -> Iterator[list[str]]:
    """Sets of channels that are missing at once, of each size; every channel is in one set of each size."""
    for count in COUNTS:
        for begin in range(0, len(channels), count):
            yield channels[begin : begin + count]


def opened(recording: object) -> mne.io.BaseRaw:
    """The beginning of a recording, with the names and positions of the 10-05 system."""
    raw = recording.open().load_data()
    raw.crop(tmax=min(SECONDS, raw.times[-1])).set_annotations(None)
    raw.rename_channels(lambda name: parse_channel_name(name)[0])
    return raw.set_montage("standard_1005")


def measure(raw: mne.io.BaseRaw, missing: list[str], extractor: GETFeatureExtractor, about: dict) -> list[dict]:
    """Error and power of each method in each missing channel and band, relative to the true channel's power."""
    estimates = {
        METHODS[0]: neighbours(raw, missing),
        SPLINES: splines(raw, missing),
        METHODS[-1]: ridge(raw, missing),
    }
    draws = np.stack([each.get_data(missing) for each in impute(raw, missing, extractor, draws=N_DRAWS)])
    estimates |= {MEAN: draws.mean(axis=0), DRAW: draws[0]}
    rate, half, rows = raw.info["sfreq"], raw.n_times // 2, []
    for band, limits in BANDS.items():
        filters = scipy.signal.butter(4, limits, "bandpass", fs=rate, output="sos")
        truth = scipy.signal.sosfiltfilt(filters, raw.get_data(missing))[:, half:]
        power = (truth**2).mean(axis=-1)
        for method, estimate in estimates.items():
            signal = scipy.signal.sosfiltfilt(filters, estimate)[:, half:]
            errors, powers = ((x**2).mean(axis=-1) / power for x in (signal - truth, signal))
            rows += [
                about | {"missing": len(missing), "band": band, "method": method, "channel": name}
                | {"error": round(float(error), 4), "power": round(float(own), 4)}
                for name, error, own in zip(missing, errors, powers, strict=True)
            ]  # fmt: skip
    return rows


def splines(raw: mne.io.BaseRaw, missing: list[str]) -> np.ndarray:
    """Spherical splines as MNE's users get them."""
    marked = raw.copy()
    marked.info["bads"] = list(missing)
    return marked.interpolate_bads(reset_bads=True).get_data(missing)


def neighbours(raw: mne.io.BaseRaw, missing: list[str]) -> np.ndarray:
    """Mean of the nearest channels."""
    known = [name for name in raw.ch_names if name not in missing]
    near = -locate_channels(missing, {})[:, :3] @ locate_channels(known, {})[:, :3].T
    return raw.get_data(known)[np.argsort(near, axis=1)[:, :N_NEIGHBOURS]].mean(axis=1)


def ridge(raw: mne.io.BaseRaw, missing: list[str]) -> np.ndarray:
    """Regression on the other channels, fitted to the first half of the true channel."""
    x, y = raw.get_data([name for name in raw.ch_names if name not in missing]), raw.get_data(missing)
    half = raw.n_times // 2
    past = x[:, :half] @ x[:, :half].T
    past += RIDGE * np.trace(past) / len(past) * np.eye(len(past))
    return np.linalg.solve(past, x[:, :half] @ y[:, :half].T).T @ x


def summarise(rows: list[dict]) -> list[dict]:
    """Means over people of each person's median, with intervals, and the difference from splines."""
    groups: dict[tuple, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = tuple(row[name] for name in ("montage", "missing", "band", "method"))
        decibels = abs(10 * np.log10(max(row["power"], 1e-4)))
        groups[key][row["person"]].append((row["error"], row["power"], decibels))
    of_people = {
        key: np.array([np.median(people[name], axis=0) for name in sorted(people)]) for key, people in groups.items()
    }
    summary = []
    for (montage, missing, band, method), values in of_people.items():
        difference = values[:, 0] - of_people[montage, missing, band, SPLINES][:, 0]
        summary.append(
            {"montage": montage, "missing": missing, "band": band, "method": method}
            | {"error": mean(values[:, 0]), "power": mean(values[:, 1]), "decibels": mean(values[:, 2])}
            | {"error_minus_splines": mean(difference)}
        )
    return summary


def shortfalls(summary: list[dict]) -> list[str]:
    """Where the mean of draws does not have less error than splines, though it should."""
    return [
        f"{row['montage']}, {row['missing']} missing, {row['band']}: the error is not below that of splines."
        for row in summary
        if row["method"] == MEAN and row["band"] in GOALS and row["error_minus_splines"][0] >= 0
    ]


def mean(values: np.ndarray) -> list[float]:
    """Mean, and the limits of its interval."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (N_BOOTSTRAPS, len(values))).mean(axis=1)
    return [round(float(x), 3) for x in (values.mean(), *np.quantile(means, [0.025, 0.975]))]


def table(summary: list[dict]) -> str:
    """Errors and powers of each method, and the difference from splines of the mean of draws."""
    found = {tuple(row[name] for name in ("montage", "missing", "band", "method")): row for row in summary}

    def cells(montage: str, missing: int, method: str, number: Callable[[dict], str]) -> str:
        return " | ".join(number(found[montage, missing, band, method]) for band in BANDS)

    lines = []
    for title, methods, number in (
        ("Relative squared error", METHODS, lambda row: f"{row['error'][0]:.3f}"),
        (
            "Error minus splines [95 %]",
            (MEAN,),
            lambda row: "{:+.3f} [{:+.3f} {:+.3f}]".format(*row["error_minus_splines"]),
        ),
        (
            "Power, relative to the true channel [95 %]",
            METHODS[1:4],
            lambda row: "{:.2f} [{:.2f} {:.2f}]".format(*row["power"]),
        ),
        (
            "Distance from the true power in dB [95 %]",
            METHODS[1:4],
            lambda row: "{:.2f} [{:.2f} {:.2f}]".format(*row["decibels"]),
        ),
    ):
        lines += ["", f"| {title} | missing | method | {' | '.join(BANDS)} |", f"|---|---|---|{'---|' * len(BANDS)}"]
        lines += [
            f"| {montage} | {missing} | {method} | {cells(montage, missing, method, number)} |"
            for montage in MONTAGES
            for missing in COUNTS
            for method in methods
        ]
    return "\n".join(lines[1:])


def plot(raw: mne.io.BaseRaw, name: str, extractor: GETFeatureExtractor) -> Figure:
    """The truth, splines and draws of a channel."""
    splined = raw.copy()
    splined.info["bads"] = [name]
    return plot_imputation(raw, impute(raw, [name], extractor, draws=3), splined.interpolate_bads(), name, begin=20.0)


if __name__ == "__main__":
    main()
