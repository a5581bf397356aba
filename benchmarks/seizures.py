# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How well GET finds seizures and other unusual events, beside simple measures.

    python benchmarks/seizures.py --data DATA --out seizures --write docs/guide/seizures.md

DATA holds `eegmmidb` and `bonn`. Three tables, written as `seizures.md` and `seizures.json`, each as soon as it is
measured. `--tables` measures some of them again, or none, and takes the others from `seizures.json`.

- Events that are added to recordings of people at rest, found without training: the first half minute of a recording
  is the reference, and each score tells patches of the event from other patches of the next half minute (AUC).
- Bonn, without training: seizures (E) against other segments of patients (C, D), all compared with a reference of
  earlier segments of C and D.
- Bonn, with training: the same classes by a linear head on frozen features of GET and by classifiers on simple
  features, in ten folds of consecutive segment numbers; and from five labelled segments of each class, ten draws. At
  most 20 segments of C and D of the training part are the reference of GET's transform.

"GET minus it" is a paired difference with its 95 % interval by bootstrap: over people for added events, over segments
for Bonn, and over draws where few segments are labelled. If 0 is inside, GET is neither better nor worse.

Bonn names no patients. Segments of one patient may be in training and test, for GET as for all the others, so these
figures say nothing about a new patient.
"""

import argparse
import copy
import json
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import mne
import numpy as np
import scipy
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from get_hf import CHECKPOINT, GETForSequenceClassification, load_pretrained
from get_hf.processing.montage_get import channel_positions
from get_hf.scoring import fit_reference, score_recording
from get_hf.training.corpora import get_corpus
from get_hf.training.evaluation.report import fill_card
from get_hf.training.finetuning.probe import fit_linear, standardise, window_features

CH_NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "T7", "T8", "P3", "P4", "O1", "O2"]
#: Seconds of the reference, of the event in the half minute after it, and of a patch.
REFERENCE, EVENT, PATCH = 30.0, (12.0, 17.0), 0.25
#: Events: where they are strongest, and how far they reach, in radians.
EVENTS = {
    "spike and wave, 3 Hz, focal": ("C3", 0.45),
    "spike and wave, 3 Hz, generalised": ("Fz", 1.2),
    "rhythmic, 6 to 4 Hz": ("T8", 0.45),
    "fast, 18 Hz": ("C4", 0.45),
    "muscle, 20 to 70 Hz": ("T7", 0.45),
    "attenuation": None,
}
BANDS = {"delta": (0.5, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
#: Segments of C and D that are the reference of Bonn's untrained scores.
N_REFERENCE, N_FOLDS, N_SHOTS, N_DRAWS = 20, 10, 5, 10
N_BOOTSTRAPS = 2000
WINDOW = 16  # patches of the causal head: 4 s
RATE = 173.61  # Hz, of Bonn
TITLES = {
    "events": "Events added to recordings at rest (AUC of patches)",
    "untrained": "Bonn, untrained: E against C and D (AUC of segments)",
    "trained": "Bonn, trained: E against C and D",
}
#: A table: rows by name, and in each row figures by name: one, or one and the limits of its interval.
Table = dict[str, dict[str, float | list[float]]]


def main() -> None:
    """Measures, prints the tables, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder that holds eegmmidb and bonn")
    parser.add_argument("--out", type=Path, default=Path("seizures"), help="files to write, without suffix")
    parser.add_argument("--tables", nargs="*", choices=TITLES, default=list(TITLES), help="what to measure")
    parser.add_argument("--people", type=int, default=10, help="how many validation people get events")
    parser.add_argument("--loudness", type=float, default=1.0, help="RMS of events, over that of the median channel")
    parser.add_argument("--write", type=Path, help="document that has a place for the tables")
    args = parser.parse_args()
    if args.people < 1:
        parser.error(f"--people must be 1 or more, not {args.people}.")
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    kept = args.out.with_suffix(".json")
    try:
        for corpus in sorted({"eegmmidb" if table == "events" else "bonn" for table in args.tables}):
            next(iter(get_corpus(corpus).recordings(args.data)))  # refuses a missing corpus before the work
        if args.write is not None:
            fill_card(args.write.read_text(encoding="utf-8"), "seizures", "", str(args.write))
        tables: dict[str, Table] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    except (ValueError, OSError) as error:
        parser.error(str(error))
    measured: dict[str, Callable[[], Table]] = {
        "events": lambda: injected(args.data, args.people, args.loudness),
        "untrained": lambda: bonn_untrained(args.data),
        "trained": lambda: bonn_trained(args.data),
    }
    for name in args.tables:
        tables[name] = measured[name]()
        print(f"### {TITLES[name]}\n\n{as_markdown(tables[name])}\n", flush=True)
        args.out.with_suffix(".md").write_text(as_document(tables), encoding="utf-8")
        kept.write_text(json.dumps(tables, indent=2) + "\n", encoding="utf-8")
    if args.write is not None:
        filled = fill_card(args.write.read_text(encoding="utf-8"), "seizures", as_document(tables), str(args.write))
        args.write.write_text(filled, encoding="utf-8")
    if failed := shortfalls(tables):
        sys.exit(" ".join(failed))


def as_document(tables: dict[str, Table]) -> str:
    """All tables with their titles."""
    return "\n\n".join(f"### {TITLES[key]}\n\n{as_markdown(tables[key])}" for key in TITLES if key in tables) + "\n"


def as_markdown(table: Table) -> str:
    """A table of rows by name; a figure that a row lacks is an empty cell."""
    columns = list(max(table.values(), key=len))
    lines = [["", *columns], ["---"] * (1 + len(columns))]
    lines += [[name, *(_cell(row.get(column)) for column in columns)] for name, row in table.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(figure: float | list[float] | None) -> str:
    if isinstance(figure, list):
        return "{:+.3f} [{:+.3f} {:+.3f}]".format(*figure)
    return "" if figure is None else f"{figure:.3f}"


def shortfalls(tables: dict[str, Table]) -> list[str]:
    """What the figures should reach, and do not."""
    failed = []
    if (rows := tables.get("events")) and rows["GET score"]["mean"] < rows["log RMS"]["mean"]:
        failed.append("The score finds the added events less well than log RMS.")
    if (rows := tables.get("untrained")) and rows["GET score"]["AUC"] < 0.9:
        failed.append("The score reaches less than .90 on Bonn.")
    if rows := tables.get("trained"):
        best = max(row["folds, AUC"] for name, row in rows.items() if not name.startswith("GET"))
        if rows["GET, frozen"]["folds, AUC"] <= best:
            failed.append("The head on frozen features is not above the best simple baseline.")
        if rows["GET, frozen"]["5 + 5, AUC"] < 0.95:
            failed.append("The head reaches less than .95 from five segments of each class.")
    return failed


def with_interval(values: np.ndarray) -> list[float]:
    """The mean of independent values, and its 95 % interval by bootstrap."""
    drawn = np.random.default_rng(0).choice(values, (N_BOOTSTRAPS, len(values))).mean(axis=1)
    return [float(x) for x in (values.mean(), *np.quantile(drawn, [0.025, 0.975]))]


def auc_difference(labels: np.ndarray, own: np.ndarray, other: np.ndarray) -> list[float]:
    """AUC of the own scores of segments minus that of others, and its 95 % interval by bootstrap over segments."""
    rng, classes = np.random.default_rng(0), [np.flatnonzero(labels == label) for label in (0, 1)]

    def difference(chosen: np.ndarray) -> float:
        return float(roc_auc_score(labels[chosen], own[chosen]) - roc_auc_score(labels[chosen], other[chosen]))

    drawn = [
        difference(np.concatenate([rng.choice(rows, len(rows)) for rows in classes])) for _ in range(N_BOOTSTRAPS)
    ]
    return [difference(np.arange(len(labels))), *map(float, np.quantile(drawn, [0.025, 0.975]))]


# events added to recordings


def course(kind: str, seconds: float, rate: float) -> np.ndarray:
    """An event `(times,)` that fades in and out, and has unit RMS without that."""
    rng, times = np.random.default_rng(0), np.arange(round(seconds * rate)) / rate
    if kind.startswith("spike"):
        x = np.exp(-(((times % (1 / 3)) - 0.05) ** 2) / (2 * 0.012**2)) - 0.7 * np.sin(2 * np.pi * 3 * times)
    elif kind.startswith("rhythmic"):
        phase = 2 * np.pi * np.cumsum(6 - 2 * times / times[-1]) / rate
        x = np.linspace(0.4, 1.6, len(times)) * np.sin(phase + 0.6 * np.sin(phase))
    elif kind.startswith("fast"):
        x = np.sin(2 * np.pi * 18 * times + 2 * np.cumsum(rng.standard_normal(len(times))) / rate**0.5)
    else:
        noise = rng.standard_normal(len(times) + 200)
        x = scipy.signal.sosfilt(scipy.signal.butter(3, (20, 70), "band", fs=rate, output="sos"), noise)[200:]
    fade = np.clip(np.minimum(times, times[-1] - times) / 0.25, 0, 1)
    return fade * x / np.sqrt(np.mean(x**2))


def with_event(x: np.ndarray, kind: str, rate: float, loudness: float) -> np.ndarray:
    """The recording `(channels, times)` with an event."""
    start, stop = (round(second * rate) for second in EVENT)
    changed = x.copy()
    if EVENTS[kind] is None:
        changed[:, start:stop] *= 0.4
        return changed
    centre, reach = EVENTS[kind]
    places, focus = channel_positions(CH_NAMES)[:, :3], channel_positions([centre])[0, :3]
    strength = np.exp(-((np.arccos(np.clip(places @ focus, -1, 1)) / reach) ** 2) / 2)
    level = loudness * np.median(x.std(axis=1))
    changed[:, start:stop] += level * strength[:, None] * course(kind, EVENT[1] - EVENT[0], rate)
    return changed


def injected(data: str, n_people: int, loudness: float) -> Table:
    """AUC of each score for each event, over recordings of people with open and closed eyes."""
    model, extractor = load_pretrained()
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    people: list[str] = []
    for recording in get_corpus("eegmmidb").recordings(data, "validation"):
        if not recording.session.endswith(("R01", "R02")):
            continue
        people += [] if recording.subject in people else [recording.subject]
        if len(people) > n_people:
            break
        raw = recording.open().load_data().set_annotations(None)
        raw.rename_channels(lambda name: name.strip(".").capitalize())
        rate = raw.info["sfreq"]
        x = 1e6 * raw.get_data(picks=CH_NAMES)
        known, rest = x[:, : round(REFERENCE * rate)], x[:, round(REFERENCE * rate) : round(2 * REFERENCE * rate)]
        reference = fit_reference(as_raw(known, CH_NAMES, rate), model, extractor)
        usual = simple_scores(extractor.clean(known, rate))
        for kind in EVENTS:
            changed = with_event(rest, kind, rate, loudness)
            scores = score_recording(as_raw(changed, CH_NAMES, rate), model, extractor, reference)
            means = {"GET score": scores.channels.mean(axis=0)}
            for name, score in simple_scores(extractor.clean(changed, rate)).items():
                middle = np.median(usual[name], axis=1, keepdims=True)
                deviation = np.median(np.abs(usual[name] - middle), axis=1, keepdims=True)
                means[name] = ((score - middle) / deviation).mean(axis=0)
            for name, mean in means.items():
                # an event that is quieter than the rest is found by low scores
                auc = auc_of_event(-mean if EVENTS[kind] is None else mean)
                found.setdefault(name, {}).setdefault(kind, {}).setdefault(recording.subject, []).append(auc)
        print(recording.subject, recording.session, file=sys.stderr, flush=True)
    of_people = {  # (kinds, people)
        name: np.array([[np.mean(aucs) for aucs in kind.values()] for kind in row.values()])
        for name, row in found.items()
    }
    rows: Table = {}
    for name, values in of_people.items():
        rows[name] = dict(zip(EVENTS, values.mean(axis=1).tolist(), strict=True)) | {"mean": float(values.mean())}
        if name != "GET score":
            rows[name]["GET minus it"] = with_interval((of_people["GET score"] - values).mean(axis=0))
    return rows


def simple_scores(x: np.ndarray) -> dict[str, np.ndarray]:
    """Scores `(channels, patches)` of a clean recording `(channels, times)` that need no model."""
    patches = x[:, : x.shape[1] // 25 * 25].reshape(len(x), -1, 25)
    power = np.log(np.abs(np.fft.rfft(patches * np.hanning(25), axis=-1)[..., 1:12]) ** 2)
    return {
        "log RMS": np.log(patches.std(axis=-1)),
        "line length": np.log(np.abs(np.diff(patches, axis=-1)).mean(axis=-1)),
        "log band powers": power.mean(axis=-1),
    }


def auc_of_event(mean: np.ndarray) -> float:
    """How well a mean score `(patches,)` tells the event from the rest of the half minute."""
    times = PATCH * np.arange(len(mean))
    inside = (times >= EVENT[0] + PATCH) & (times < EVENT[1] - PATCH)
    outside = (times >= 2) & (times < 29) & ((times < EVENT[0] - 1) | (times >= EVENT[1] + 2))
    return float(roc_auc_score(inside[inside | outside], mean[inside | outside]))


def as_raw(x: np.ndarray, ch_names: list[str], rate: float) -> mne.io.RawArray:
    """A recording of an array `(channels, times)` in microvolts."""
    return mne.io.RawArray(1e-6 * x, mne.create_info(ch_names, rate, "eeg"))


# Bonn


def segments(data: str) -> dict[str, list[np.ndarray]]:
    """Segments `(1, times)` in microvolts of the sets C, D and E, by number."""
    found: dict[str, list[np.ndarray]] = {"C": [], "D": [], "E": []}
    for recording in get_corpus("bonn").recordings(data):
        if recording.subject in found:
            found[recording.subject].append(1e6 * recording.open().get_data())
    return found


def bonn_untrained(data: str) -> Table:
    """AUC of each score, where the first segments of C and D are the reference."""
    model, extractor = load_pretrained()
    sets = segments(data)
    known = np.concatenate([*sets["C"][:N_REFERENCE], *sets["D"][:N_REFERENCE]], axis=1)
    reference = fit_reference(as_raw(known, ["Cz"], RATE), model, extractor)
    found: dict[str, list[float]] = {}
    labels = []
    for name, rows in sets.items():
        for x in rows[N_REFERENCE:]:
            scores = score_recording(as_raw(x, ["Cz"], RATE), model, extractor, reference)
            own = {"GET score": float(np.nanmean(scores.channels))}
            own |= dict(zip(NAMES, simple_features(x)[: len(NAMES)], strict=True))
            for key, value in own.items():
                found.setdefault(key, []).append(value)
            labels.append(name == "E")
    rows: Table = {name: {"AUC": float(roc_auc_score(labels, values))} for name, values in found.items()}
    own = np.array(found.pop("GET score"))
    for name, values in found.items():
        rows[name]["GET minus it"] = auc_difference(np.array(labels, dtype=int), own, np.array(values))
    return rows


NAMES = ["log RMS", "line length", *(f"log power, {name}" for name in BANDS)]


def simple_features(x: np.ndarray) -> list[float]:
    """Log RMS, log line length and log band powers of a segment `(1, times)`, then features of its shape."""
    x = x[0] - x[0].mean()
    frequencies, density = scipy.signal.welch(x, RATE, nperseg=512)
    powers = [density[(frequencies >= low) & (frequencies < high)].mean() for low, high in BANDS.values()]
    slope, bend = np.diff(x), np.diff(x, 2)
    mobility = slope.std() / x.std()
    shape = [mobility, bend.std() / slope.std() / mobility, scipy.stats.kurtosis(x), scipy.stats.skew(x)]
    return [np.log(x.std()), np.log(np.abs(slope).mean()), *np.log(powers), *shape]


def bonn_trained(data: str) -> Table:
    """AUC and balanced accuracy of classifiers in folds of consecutive segments, and from few labelled segments."""
    sets = segments(data)
    rows = [(name, number, x) for name, xs in sets.items() for number, x in enumerate(xs)]
    labels = np.array([int(name == "E") for name, *_ in rows])
    folds = np.array([number * N_FOLDS // len(sets[name]) for name, number, _ in rows])
    simple = np.array([simple_features(x) for *_, x in rows])
    _, extractor = load_pretrained()
    model = GETForSequenceClassification.from_pretrained(CHECKPOINT, num_labels=2).eval()
    clean = np.stack([extractor.clean(x, RATE) for *_, x in rows])
    given = {"sampling_rate": extractor.sampling_rate, "ch_names": ["Cz"], "unit": "uV", "band_limited": True}
    numbers = np.array([number for _, number, _ in rows])

    @cache
    def windows(usual: tuple[int, ...]) -> list[torch.Tensor]:
        calibration = extractor.calibrate(np.concatenate(clean[list(usual)], axis=1), **given)
        return list(window_features(model, extractor(clean, calibrate_on=calibration, **given), WINDOW))

    def of_get(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        others = [index for index in train[np.argsort(numbers[train], kind="stable")] if not labels[index]]
        own = windows(tuple(sorted(others[:N_REFERENCE])))
        head = copy.deepcopy(model)
        n_windows = [len(own[index]) for index in train]
        features = standardise(head, torch.cat([own[index] for index in train]))
        fit_linear(head, features, np.repeat(labels[train], n_windows), balanced=True)
        with torch.no_grad():
            scaled = [(own[index] - head.pooling.mean) / head.pooling.deviation for index in test]
            return np.array([float(head.classifier(features).diff(dim=-1).mean()) for features in scaled])

    ways: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"GET, frozen": of_get}
    for index, name in enumerate(NAMES[:2]):
        ways[name] = _on(simple[:, [index]], labels, LogisticRegression())
    ways["log band powers"] = _on(simple[:, 2 : len(NAMES)], labels, LogisticRegression())
    ways["all features, logistic regression"] = _on(simple, labels, LogisticRegression())
    ways["all features, SVM"] = _on(simple, labels, SVC())
    ways["all features, boosting"] = _on(simple, labels, HistGradientBoostingClassifier(min_samples_leaf=2))
    return figures(ways, labels, folds)


def _on(x: np.ndarray, labels: np.ndarray, classifier: object) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Scores of test rows by a classifier that is trained on other rows; above 0 means a seizure."""

    def way(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        pipeline = make_pipeline(StandardScaler(), classifier)
        return pipeline.fit(x[train], labels[train]).decision_function(x[test])

    return way


def figures(
    ways: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]], labels: np.ndarray, folds: np.ndarray
) -> Table:
    """AUC and balanced accuracy of each way, in folds and from few labels; the first way is compared with others."""
    in_folds, few, rows = {}, {}, {}
    for name, way in ways.items():
        in_folds[name] = np.zeros(len(labels))
        for fold in range(N_FOLDS):
            in_folds[name][folds == fold] = way(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        few[name] = np.array([of_draw(way, labels, draw) for draw in range(N_DRAWS)])
        print(name, file=sys.stderr, flush=True)
    first = next(iter(ways))
    for name in ways:
        auc, accuracy = few[name].mean(axis=0)
        rows[name] = {"folds, AUC": float(roc_auc_score(labels, in_folds[name]))}
        if name != first:
            rows[name]["folds, GET minus it"] = auc_difference(labels, in_folds[first], in_folds[name])
        rows[name] |= {
            "folds, balanced accuracy": float(balanced_accuracy_score(labels, in_folds[name] > 0)),
            "5 + 5, AUC": float(auc),
        }
        if name != first:
            rows[name]["5 + 5, GET minus it"] = with_interval(few[first][:, 0] - few[name][:, 0])
        rows[name]["5 + 5, balanced accuracy"] = float(accuracy)
    return rows


def of_draw(way: Callable[[np.ndarray, np.ndarray], np.ndarray], labels: np.ndarray, draw: int) -> tuple[float, float]:
    """AUC and balanced accuracy of all other segments, where few segments of each class are labelled."""
    rng = np.random.default_rng(draw)
    train = np.concatenate([rng.choice(np.flatnonzero(labels == y), N_SHOTS, replace=False) for y in (0, 1)])
    test = np.setdiff1d(np.arange(len(labels)), train)
    scores = way(train, test)
    return float(roc_auc_score(labels[test], scores)), float(balanced_accuracy_score(labels[test], scores > 0))


if __name__ == "__main__":
    main()
