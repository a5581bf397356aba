# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Cuts the labelled windows that a classifier is trained on.

    windows = cut_windows(segments, extractor, {"left": ["left_fist"], "right": ["right_fist"]}, window_seconds=4)

Windows can be cut from any prepared corpus, from any corpus of the registry (including MOABB's data sets and folders
of files), or from files of `mne.Epochs`. All windows of a segment, or of a file of epochs, use the same transform to
the innovation space. A separate transform for each window would remove differences between windows.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import mne
import numpy as np

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.conditions_get import Vocabulary
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.innovation_get import Fit, InnovationTransform

#: Prefix that marks a folder with files of `mne.Epochs`; prefix and folder are used in place of the name of a corpus.
EPOCHS = "epochs:"
#: What the transform of a window can be estimated from; see `cut_windows`.
CALIBRATIONS = ("session", "person")
FEATURES = datasets.Features(
    {
        "input_values": datasets.List(datasets.Value("float16")),
        "channel_positions": datasets.List(datasets.Value("float32")),
        "calibration": datasets.List(datasets.Value("float32")),
        "ch_names": datasets.List(datasets.Value("string")),
        "n_chans": datasets.Value("int32"),
        "labels": datasets.Value("int64"),
        "subject": datasets.Value("string"),
        "session": datasets.Value("string"),
        "corpus": datasets.Value("string"),
        "trial": datasets.Value("int32"),
        "start": datasets.Value("float32"),
    }
)


def condition_classes(classes: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Returns the ids of the conditions of each class.

    Args:
        classes: Names of the conditions of each class, in any spelling.

    Raises:
        ValueError: A condition is unknown, or belongs to two classes.
    """
    vocabulary = Vocabulary(CONDITIONS, CONDITIONS[1:])
    ids = {name: [vocabulary.id_of(condition) for condition in conditions] for name, conditions in classes.items()}
    used: dict[int, str] = {}
    for name, own in ids.items():
        for condition in own:
            if condition in used:
                raise ValueError(
                    f"{CONDITIONS[condition]} is in the classes {used[condition]} and {name}: choose one."
                )
            used[condition] = name
    return ids


def cut_windows(
    segments: datasets.Dataset,
    extractor: GETFeatureExtractor,
    classes: Mapping[str, Sequence[str]],
    window_seconds: float,
    stride_seconds: float | None = None,
    num_proc: int | None = None,
    calibrations: Sequence[str] = ("session",),
) -> datasets.Dataset:
    """Cuts labelled windows from segments of recordings; the result is stored in the cache of `datasets`.

    A trial is a continuous stretch in which all conditions belong to one class. The first window starts at the sample
    with which the trial begins, also between the borders of patches. Stretches that are shorter than a window are left
    out.

    Args:
        segments: One split of prepared segments, see `get_hf.training.data.segments`.
        extractor: Feature extractor that converts microvolts to the innovation space.
        classes: Names of the conditions of each class.
        window_seconds: Length of a window in seconds.
        stride_seconds: Time in seconds from the start of a window to the start of the next window in the same trial.
            None: `window_seconds`.
        num_proc: Number of processes that cut the windows.
        calibrations: What the transform of a window is estimated from: "session", its own segment; or "person", all
            segments of the person that have windows. With both, each window occurs twice. A classifier that has seen
            only sessions of one class may decide by the session's calibration, and not by the window.

    Returns:
        One row per window and calibration, with the columns of `FEATURES`. `input_values` `(n_chans, times)` in the
        innovation space, `channel_positions` `(n_chans, 6)` and `calibration` `(n_chans, 27)` are flattened. `labels`
        is the index of the class. `trial` is the patch of the session with which the trial begins, so that it differs
        between trials of several segments of a session too. `start` is in seconds from the first sample of the
        recording.

    Raises:
        ValueError: A condition is unknown, or no stretch is as long as a window.
    """
    seconds = extractor.patch_size / extractor.sampling_rate
    n_window = round(window_seconds / seconds)
    n_stride = n_window if stride_seconds is None else max(1, round(stride_seconds / seconds))
    ids = list(condition_classes(classes).values())
    used = segments.filter(lambda n: n > 0, input_columns="n_times", load_from_cache_file=False)
    parts = []
    for calibration in calibrations:
        recordings = used if calibration == "session" else joined_by_person(used, ids)
        settings = {"extractor": extractor, "classes": ids, "n_window": n_window, "n_stride": n_stride}
        parts.append(
            # samples stay arrays: as lists of numbers they would take longer than the transform
            recordings.with_format("numpy")
            .map(
                _windows_of_segment,
                batched=True,
                batch_size=1,
                remove_columns=recordings.column_names,
                features=FEATURES,
                num_proc=num_proc,
                fn_kwargs=settings,
                desc="cutting windows",
            )
            .with_format(None)
        )
    cut = parts[0] if len(parts) == 1 else datasets.concatenate_datasets(parts)
    if not len(cut):
        names = ", ".join(name for conditions in classes.values() for name in conditions)
        raise ValueError(
            f"no stretch of {names} is as long as a window of {window_seconds:g} s: shorten window_seconds, or choose "
            "conditions that the corpus has."
        )
    return cut


def joined_by_person(segments: datasets.Dataset, classes: Sequence[Sequence[int]]) -> datasets.Dataset:
    """Joins the segments of each person that have conditions of the classes, in time, to one row.

    Segments with other channels than the person's first one are left out. The first patch of each further segment has
    no condition, so that no window contains a seam.

    Args:
        segments: Prepared segments.
        classes: Condition ids of each class.
    """
    wanted = tuple(condition for own in classes for condition in own)  # a list would be divided into shards
    return datasets.Dataset.from_generator(
        _persons, features=segments.features, gen_kwargs={"segments": segments, "wanted": wanted}
    )


def _persons(segments: datasets.Dataset, wanted: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yields the joined row of each person; see `joined_by_person`."""
    by_person: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(segments.select_columns(["corpus", "subject", "conditions"])):
        if np.isin(row["conditions"], wanted).any():
            by_person.setdefault((row["corpus"], row["subject"]), []).append(index)
    rows = segments.with_format("numpy")
    for numbers in by_person.values():
        own = [rows[number] for number in numbers]
        own = [row for row in own if list(row["ch_names"]) == list(own[0]["ch_names"])]
        n_chans = int(own[0]["n_chans"])
        signals = [row["signal"].reshape(n_chans, -1) for row in own]
        conditions = [np.array(row["conditions"]) for row in own]
        for later in conditions[1:]:
            later[:1] = 0
        joined = np.concatenate(signals, axis=-1)
        starts = np.cumsum([0.0] + [row["n_times"] / row["sampling_rate"] for row in own[:-1]])
        onsets = [row["condition_onsets"] + start for row, start in zip(own, starts, strict=True)]
        whole = {
            "signal": joined.ravel(),
            "n_times": joined.shape[-1],
            "conditions": np.concatenate(conditions),
            "condition_onsets": np.concatenate(onsets),
        }
        sessions = dict.fromkeys(str(row["session"]) for row in own)
        yield own[0] | whole | {"session": "+".join(sessions), "start": 0.0}


def _windows_of_segment(
    rows: Mapping[str, list],
    extractor: GETFeatureExtractor,
    classes: Sequence[Sequence[int]],
    n_window: int,
    n_stride: int,
) -> dict[str, list]:
    """Returns the windows of one segment; `rows` is a batch of one row."""
    row = {name: values[0] for name, values in rows.items()}
    found = list(labelled_stretches(np.asarray(row["conditions"]), classes, n_window, n_stride))
    columns: dict[str, list] = {name: [] for name in FEATURES}
    if not found:
        return columns
    size, n_chans = extractor.patch_size, row["n_chans"]
    signal = np.asarray(row["signal"], np.float64).reshape(n_chans, -1)
    positions = np.asarray(row["channel_positions"], np.float64).reshape(n_chans, 6)
    signal = extractor.without_events(signal, positions)
    fit = extractor.transform.fit(signal, positions, is_own=True)
    first = round(row["start"] * extractor.sampling_rate / size)
    for label, begin, start in found:
        # annotations begin between the borders of patches: shifts of .1 s cost a classifier of fists .02 of accuracy
        shift = round(row["condition_onsets"][begin] * extractor.sampling_rate) - begin * size
        sample = start * size + (shift if abs(shift) <= size // 2 + 1 else 0)  # else it began before the segment
        sample = int(np.clip(sample, 0, signal.shape[-1] - n_window * size))
        window = {
            "input_values": _innovations(extractor.transform, fit, signal, positions, sample, n_window * size),
            "channel_positions": positions.ravel(),
            "calibration": fit.calibration.ravel(),
            "ch_names": row["ch_names"],
            "n_chans": n_chans,
            "labels": label,
            "subject": row["subject"],
            "session": row["session"],
            "corpus": row["corpus"],
            "trial": first + begin,
            "start": row["start"] + sample / extractor.sampling_rate,
        }
        for name, value in window.items():
            columns[name].append(value)
    return columns


def _innovations(
    transform: InnovationTransform, fit: Fit, signal: np.ndarray, positions: np.ndarray, start: int, n_times: int
) -> np.ndarray:
    """Returns the innovations of `n_times` samples of a signal from `start` on, `(channels * n_times,)` float16."""
    has_memory = start >= transform.n_memory
    part = signal[:, start - transform.n_memory if has_memory else 0 : start + n_times]
    values = transform.forward(part, positions, has_memory=has_memory, fit=fit).values
    return values[:, -n_times:].astype(np.float16).ravel()


def labelled_stretches(
    conditions: np.ndarray, classes: Sequence[Sequence[int]], n_window: int, n_stride: int
) -> Iterator[tuple[int, int, int]]:
    """Finds the windows in stretches whose conditions belong to one class.

    Args:
        conditions: Condition id of each patch, `(patches,)`.
        classes: Condition ids of each class.
        n_window: Number of patches in a window.
        n_stride: Number of patches from the start of a window to the start of the next window in the same stretch.

    Yields:
        Label, index of the first patch of the stretch, and index of the first patch of each window.
    """
    labels = np.full(len(conditions), -1)
    for label, ids in enumerate(classes):
        labels[np.isin(conditions, ids)] = label
    borders = np.flatnonzero(np.diff(labels)) + 1
    stretches = zip([0, *borders], [*borders, len(labels)], strict=True)
    for begin, end in stretches:
        if len(labels) and labels[begin] >= 0:
            for start in range(begin, end - n_window + 1, n_stride):
                yield int(labels[begin]), int(begin), int(start)


def windows_of_epochs(
    folder: str | Path, extractor: GETFeatureExtractor, classes: Mapping[str, Sequence[str]] | None
) -> tuple[datasets.Dataset, list[str]]:
    """Reads labelled windows from the files of `mne.Epochs` in a folder; each epoch is a window.

    The files of a person are in a subfolder with the person's name, such as `S01/run1-epo.fif`. Or the file names
    begin with the person's name and a hyphen or underscore, such as `S01_run1-epo.fif`. Each file is a session.

    Args:
        folder: Folder with files `*-epo.fif` or `*_epo.fif`. They may be in subfolders.
        extractor: Feature extractor that converts EEG to the innovation space.
        classes: Event names of each class. None: each event name is a class.

    Returns:
        Windows as `cut_windows` returns them, and the names of the classes.

    Raises:
        ValueError: There are no such files, there are no epochs of the classes, or epochs differ in length.
    """
    folder = Path(folder).expanduser()
    files = sorted(path for path in folder.rglob("*.fif*") if path.name.split(".")[0].endswith(("-epo", "_epo")))
    if not files:
        raise ValueError(f"{folder} has no file of epochs, whose names end in -epo.fif.")
    sets = {path: mne.read_epochs(path, verbose="error") for path in files}
    if classes is None:
        names = sorted({name for epochs in sets.values() for name in epochs.event_id})
        classes = {name: [name] for name in names}
    lengths = {len(epochs.times) / epochs.info["sfreq"] for epochs in sets.values()}
    if max(lengths) - min(lengths) > extractor.patch_size / extractor.sampling_rate:
        raise ValueError(f"epochs in {folder} are {min(lengths):.2f} to {max(lengths):.2f} s long: crop them.")
    columns: dict[str, list] = {name: [] for name in FEATURES}
    for path, epochs in sets.items():
        for name, value in _windows_of_file(path, folder, epochs, extractor, classes):
            columns[name].append(value)
    if not columns["labels"]:
        wanted = ", ".join(name for names in classes.values() for name in names)
        raise ValueError(f"{folder} has no epochs of {wanted}.")
    return datasets.Dataset.from_dict(columns, features=FEATURES), list(classes)


def _windows_of_file(
    path: Path,
    folder: Path,
    epochs: mne.BaseEpochs,
    extractor: GETFeatureExtractor,
    classes: Mapping[str, Sequence[str]],
) -> Iterator[tuple[str, Any]]:
    """Yields (column, value) for all columns of all windows in one file of epochs."""
    label_of = {name: label for label, names in enumerate(classes.values()) for name in names}
    events = {code: name for name, code in epochs.event_id.items()}
    kept = [index for index, code in enumerate(epochs.events[:, 2]) if events[code] in label_of]
    if not kept:
        return
    labels = [label_of[events[code]] for code in epochs.events[kept, 2]]
    features = extractor(epochs[kept], calibrate_on="all", return_tensors="np")
    subject = path.parent.name if path.parent != folder else path.name.replace("-", "_").partition("_")[0]
    good = features["channel_mask"][0].astype(bool)  # all epochs of a file have the same channels
    names = features.recordings[0].recording.ch_names
    ch_names = [name for name, is_good in zip(names, good[: len(names)], strict=True) if is_good]
    for index, label in enumerate(labels):
        yield "input_values", features["input_values"][index][good, extractor.patch_size :].astype(np.float16).ravel()
        yield "channel_positions", features["channel_positions"][index][good].ravel()
        yield "calibration", features["calibration"][index][good].ravel()
        yield "ch_names", ch_names
        yield "n_chans", int(good.sum())
        yield "labels", label
        yield "subject", subject
        yield "session", path.stem
        yield "corpus", EPOCHS.rstrip(":")
        yield "trial", index
        yield "start", float(epochs.events[kept[index], 0] / epochs.info["sfreq"])
