# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fidelity on people outside the training set: GET beside real EEG (the floor) and the baselines.

`compare` judges any function that continues prompts:

    from get_hf.training.evaluation.comparison import compare
    print(compare({"mine": lambda prompts, ch_names, n_times, conditions: ...}, "data").table())
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.evaluation.rows.continuations import Continuations
from get_hf.training.evaluation.rows.fists import Fists, cut_fists
from get_hf.training.evaluation.rows.other_prompts import (
    FEW_CHANNELS,
    ONE_CHANNEL,
    OtherPrompts,
    cut_longer_prompts,
    on_few_channels,
)
from get_hf.training.evaluation.rows.other_recordings import OtherRecordings, cut_cleaned, with_references
from get_hf.training.evaluation.rows.rollout import Rollout, cut_rollout
from get_hf.training.evaluation.rows.unprompted import Unprompted, cut_unprompted

from .baselines import IAAFTSurrogate, PooledVAR, PromptVAR
from .corpora.material import Material, judged_people, read_material
from .goals import goal_text, meets
from .innovations.baselines import Playback, Replay, White
from .innovations.filters import PromptFilters
from .recordings import CHANNELS, PRESETS, Cut, Preset, Segments, Signal, check_choices, cut_segments, recordings
from .requirements import IAAFT, PLAYBACK, POOLED_VAR, PROMPT_VAR, REPLAY, WHITE, check_requirements
from .table import FLOOR, GROUPS, number

#: `(prompts (items, channels, times), ch_names, n_times, conditions) -> (items, channels, n_times)`, see `compare`.
Generator = Callable[[np.ndarray, Sequence[str], int, Sequence[tuple[str, str]]], np.ndarray]
#: Parts that are generated in addition to the continuations of the main table.
PARTS = (
    *("rollout", "longer prompts", "few channels", "one channel"),
    *("average reference", "Cz as reference", "bipolar", "cleaned", "from nothing", "fists"),
)
Part = Rollout | OtherPrompts | OtherRecordings | Unprompted | Fists
#: The corpus of the published table. Its recordings are read as they always were; those of any other corpus are
#: cleaned as for training.
USUAL_CORPUS = "eegmmidb"


@dataclass
class Comparison:
    """The fidelity table of several generators.

    Attributes:
        rows: Rows of each column (generators first, then the floor and the baselines), see
            `get_hf.training.evaluation.table`; each row also has `over_floor` and `met`.
        segments: Segments that the main part was measured on.
        continuations: Continuations of each column, `(items, channels, times)` in microvolts.
        seconds: Time that generating the continuations took, for each column.
        judged: Columns that goals apply to.
        other_recordings: Whether the floor is from other recordings of the same people, see `recordings.Cut`.
    """

    rows: dict[str, dict[str, dict]]
    segments: Segments
    continuations: dict[str, np.ndarray]
    seconds: dict[str, float] = field(default_factory=dict)
    judged: tuple[str, ...] = ()
    other_recordings: bool = False

    def table(self, intervals: bool = False) -> str:
        """The table in Markdown; `intervals` adds 95 % intervals to the judged columns."""
        columns = list(self.rows)
        lines = [["what", "unit", "goal", *columns, *(f"{c}: met" for c in self.judged)]]
        group = None
        for name, first in self.rows[columns[0]].items():
            if first["group"] != group:
                group = first["group"]
                lines.append([f"**{group}**"] + [""] * (len(lines[0]) - 1))
            cells = [name, first["unit"], goal_text(first["goal"])]
            for column in columns:
                row = self.rows[column].get(name)
                text = ""
                if row and np.isfinite(row["value"]):
                    text = number(row["value"])
                    if intervals and column in self.judged and row["interval"]:
                        text += " ({:.3g} to {:.3g})".format(*row["interval"])
                cells.append(text)
            met = (self.rows[column].get(name, {}).get("met") for column in self.judged)
            lines.append(cells + [{True: "yes", False: "no", None: ""}[m] for m in met])
        widths = [max(len(line[c]) for line in lines) for c in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        padded = (" | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(f"| {line} |" for line in padded)

    @property
    def requirements(self) -> dict[str, list[dict]]:
        """For each judged column, whether it meets the requirements; see `check_requirements`."""
        return {column: check_requirements(self.rows, column) for column in self.judged}


def baseline_generators(
    train_signals: Iterable[np.ndarray],
    ch_names: Sequence[str],
    seed: int = 0,
    extractor: GETFeatureExtractor | None = None,
) -> dict[str, Generator]:
    """The generators of every table that no one trained.

    Pooled VAR (only if there are training recordings), VAR of the prompt, IAAFT surrogate of the prompt; and GET
    without its network: noise, noise with the prompt's amplitudes, and the prompt's innovations in another order.

    Args:
        train_signals: Recordings `(channels, times)` in microvolts that fit the pooled VAR.
        ch_names: Channels of the recordings.
        seed: Seed of the noise of each baseline.
        extractor: Feature extractor whose filters and decoding are used without a network. None: one that was fitted
            to no corpus.
    """
    train = list(train_signals)
    filters = PromptFilters(GETFeatureExtractor() if extractor is None else extractor)
    pooled: dict[str, Generator] = {POOLED_VAR: PooledVAR(train, ch_names, seed=seed)} if train else {}
    return pooled | {
        PROMPT_VAR: PromptVAR(seed=seed),
        IAAFT: IAAFTSurrogate(seed=seed),
        WHITE: White(filters, seed),
        PLAYBACK: Playback(filters, seed),
        REPLAY: Replay(filters, seed),
    }


def compare(
    generators: dict[str, Generator],
    data_dir: str | Path | None,
    split: str = "validation",
    preset: str = "fast",
    baselines: bool = True,
    classifiers: Sequence[str] = ("logistic", "boosting", "convolutional"),
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    segments: Segments | None = None,
    parts: Sequence[str] = PARTS,
    corpus: str | Path = USUAL_CORPUS,
    cut: Cut | None = None,
    extractor: GETFeatureExtractor | None = None,
) -> Comparison:
    """Measures generators, the real-vs-real floor and the baselines on the same prompts of unseen people.

    Args:
        generators: By name, functions `(prompts (items, channels, times) in microvolts at 100 Hz, ch_names, n_times,
            conditions) -> (items, channels, n_times)` in microvolts, called once with all prompts of a part. The
            conditions are a pair for each prompt: the condition in the prompt and the condition afterwards; "none"
            where it changes. A generator that leaves "cost" and "memory" in an attribute `pace` has two more rows.
            A generator with a method `from_nothing(ch_names, n_times, conditions, people)`, with a condition and the
            number of a person for each item, has the rows of EEG without a prompt.
        data_dir: Folder that contains the corpus.
        split: "validation" or "test"; "left-out", which is everybody except the test people, for a corpus that no
            training has seen; or "train", to see memorisation.
        preset: "fast" (minutes on two cores) or "full".
        baselines: Whether to run the classical baselines too.
        classifiers: Two-sample classifiers; leave "boosting" and "convolutional" out to save most of the time.
        seed: Seed of baselines, bootstrap, boosting and network.
        progress: Called with a line at each step.
        segments: Prompts from `read_segments`, for other channels or other lengths than 8 s continued by 12 s.
            Then nothing else is generated, and without baselines nothing is read.
        parts: Parts among `PARTS` to generate in addition to the continuations.
        corpus: Name of a corpus in the registry, or folder of a prepared corpus.
        cut: Lengths of prompts and continuations; None: what fits the recordings, see `Material.cut`.
        extractor: See `baseline_generators`.

    Raises:
        ValueError: The split or the preset is unknown, or a generator returns another shape.
        CorpusUnavailableError: `data_dir` has no corpus.
    """
    progress = progress or (lambda message: None)
    check_choices(split, preset)
    amount = PRESETS[preset]
    others: dict[str, Part] = {}
    train = []
    if segments is None:
        progress(f"reading the {split} recordings of {corpus}")
        segments, material, cut = read_judged(corpus, data_dir, split, amount, cut)
        for reason in material.left_out:
            progress(f"left out {reason}")
        others = _other_parts(material, segments, amount, cut, parts)
        del material
        progress("reading training recordings")
        train = _training_signals(corpus, data_dir, split, segments.ch_names, amount)
    elif baselines:
        train = _training_signals(corpus, data_dir, split, segments.ch_names, amount)
    todo = dict(generators)
    if baselines:
        progress("fitting the pooled VAR")
        todo |= baseline_generators(train, segments.ch_names, seed, extractor)

    main = Continuations(segments, train, classifiers, amount.windows_per_item)
    columns = [*generators, FLOOR, *(name for name in todo if name not in generators)]
    continuations, seconds = {FLOOR: segments.other}, {}
    for name in todo:
        progress(f"generating: {name}")
        begin = time.perf_counter()
        continuations[name] = _generate(todo[name], name, main)  # type: ignore[assignment]
        seconds[name] = time.perf_counter() - begin
    rows = {}
    for name in columns:
        progress(f"judging: {name}")
        rows[name] = main.rows(continuations[name], amount.n_bootstrap, seed)
    for label, part in others.items():
        for name in columns:
            progress(f"{label}: {name}")
            generated = None if name == FLOOR else _generate(todo[name], name, part)
            if generated is None and name != FLOOR:
                continue
            pace = getattr(todo.get(name), "pace", None)
            more = {"pace": pace} if label == "rollout" else {}
            rows[name] |= part.rows(generated, amount.n_bootstrap, seed, **more)
    for name, column in rows.items():
        rows[name] = dict(sorted(column.items(), key=lambda row: GROUPS.index(row[1]["group"])))
        for row_name, row in column.items():
            floor = rows[FLOOR].get(row_name)
            row["over_floor"] = row["value"] / floor["value"] if floor and floor["value"] else None
            white = rows.get(WHITE, {}).get(row_name)
            row["met"] = meets(row["goal"], row["value"], floor and floor["value"], white and white["value"])
    return Comparison(
        rows,
        segments,
        {name: continuations[name] for name in columns},
        seconds,
        tuple(generators),
        cut is not None and cut.other_recordings,
    )


def read_judged(
    corpus: str | Path, data_dir: str | Path | None, split: str, amount: Preset, cut: Cut | None = None
) -> tuple[Segments, Material, Cut]:
    """Reads the recordings of a split, and cuts them into prompts, continuations and other stretches.

    Returns:
        The segments, the recordings, and the lengths: those of `cut`, or what fits the recordings. Where recordings
        are too short for two stretches of that length, the other stretch is from another recording.
    """
    if corpus == USUAL_CORPUS:
        material = Material(list(recordings(data_dir, split)), list(CHANNELS))
        cut = cut or Cut()
    else:
        material = read_material(corpus, data_dir, split)
        cut = material.cut() if cut is None else material.cut((cut, replace(cut, other_recordings=True)))
    limits = {"items_per_recording": amount.items_per_recording, "n_items": amount.n_items}
    return cut_segments(material.signals, material.ch_names, **limits, **cut.lengths), material, cut


def _training_signals(
    corpus: str | Path, data_dir: str | Path | None, split: str, ch_names: Sequence[str], amount: Preset
) -> list[np.ndarray]:
    """Training recordings, in single precision to save memory; none in a corpus that no training has seen."""
    if split == "left-out" or not judged_people(corpus, data_dir, "train"):
        return []
    limits = {"n_subjects": amount.n_train_subjects, "n_sessions": amount.n_train_sessions}
    if corpus == USUAL_CORPUS:
        read: Iterable[Signal] = recordings(data_dir, "train", ch_names, **limits)
    else:
        read = read_material(corpus, data_dir, "train", ch_names, **limits).signals
    return [signal.x.astype(np.float32) for signal in read]


def _other_parts(
    material: Material, segments: Segments, amount: Preset, cut: Cut, parts: Sequence[str]
) -> dict[str, Part]:
    """The parts for which the recordings, and the prompts cut from them, have enough material."""
    signals, ch_names = material.signals, segments.ch_names
    makers: dict[str, Callable[[], Part | None]] = {
        "rollout": lambda: cut_rollout(signals, ch_names, amount.n_rollouts, amount.rollout_seconds),
        "longer prompts": lambda: cut_longer_prompts(signals, ch_names, amount.items_per_recording, amount.n_items),
        "few channels": lambda: on_few_channels(segments, FEW_CHANNELS),
        "one channel": lambda: on_few_channels(segments, ONE_CHANNEL),
        "cleaned": lambda: cut_cleaned(signals, ch_names, cut, amount.n_other_items),
        "from nothing": lambda: cut_unprompted(signals, ch_names),
        "fists": lambda: cut_fists(signals, ch_names, trials_per_recording=amount.trials_per_recording),
    }
    found = {name: make() for name, make in makers.items() if name in parts}
    references = with_references(segments, amount.n_other_items)
    found |= {name: part for name, part in references.items() if name in parts}
    return {name: part for name in PARTS if (part := found.get(name)) is not None}


def _generate(generate: Generator, name: str, part: Continuations | Part) -> np.ndarray | None:
    """EEG that a generator gives for a part, its shape checked; None if the part is not for it."""
    if isinstance(part, Unprompted):
        if (from_nothing := getattr(generate, "from_nothing", None)) is None:
            return None
        generated = from_nothing(part.ch_names, part.n_times, part.conditions, part.people)
    elif isinstance(part, OtherRecordings) and isinstance(generate, PooledVAR):
        return None  # it is fitted to training recordings as they are, with their reference and their blinks
    else:
        generated = generate(part.prompt, part.ch_names, part.n_times, part.conditions)
    generated = np.asarray(generated, dtype=float)
    wanted = (len(part.conditions), len(part.ch_names), part.n_times)
    if generated.shape != wanted:
        raise ValueError(
            f"Generator {name!r} returned {generated.shape} where {wanted} (items, channels, times) were asked for: "
            "it must return the continuation alone, for all prompts."
        )
    return generated
