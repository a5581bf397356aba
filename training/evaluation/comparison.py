# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fidelity on people outside the training set: GET beside real EEG (the floor) and the baselines.

`compare` judges any function that continues prompts:

    from get_hf.training.evaluation.comparison import compare
    print(compare({"mine": lambda prompts, ch_names, n_times, conditions: ...}, "data").table())
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from get_hf.training.evaluation.rows.continuations import Continuations
from get_hf.training.evaluation.rows.fists import Fists, cut_fists
from get_hf.training.evaluation.rows.other_prompts import (
    FEW_CHANNELS,
    ONE_CHANNEL,
    OtherPrompts,
    cut_longer_prompts,
    on_few_channels,
)
from get_hf.training.evaluation.rows.rollout import Rollout, cut_rollout
from get_hf.training.evaluation.rows.unprompted import Unprompted, cut_unprompted

from .baselines import IAAFTSurrogate, PooledVAR, PromptVAR
from .goals import goal_text, meets
from .recordings import CHANNELS, PRESETS, Preset, Segments, check_choices, cut_segments, recordings
from .requirements import IAAFT, POOLED_VAR, PROMPT_VAR, check_requirements
from .table import FLOOR, GROUPS, number

#: `(prompts (items, channels, times), ch_names, n_times, conditions) -> (items, channels, n_times)`, see `compare`.
Generator = Callable[[np.ndarray, Sequence[str], int, Sequence[tuple[str, str]]], np.ndarray]
#: Parts that are generated in addition to the continuations of the main table.
PARTS = ("rollout", "longer prompts", "few channels", "one channel", "from nothing", "fists")
Part = Rollout | OtherPrompts | Unprompted | Fists


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
    """

    rows: dict[str, dict[str, dict]]
    segments: Segments
    continuations: dict[str, np.ndarray]
    seconds: dict[str, float] = field(default_factory=dict)
    judged: tuple[str, ...] = ()

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
    train_signals: Iterable[np.ndarray], ch_names: Sequence[str], seed: int = 0
) -> dict[str, Generator]:
    """The classical generators of every table: pooled VAR, VAR of the prompt, IAAFT surrogate of the prompt.

    Args:
        train_signals: Recordings `(channels, times)` in microvolts that fit the pooled VAR.
        ch_names: Channels of the recordings.
        seed: Seed of the noise of each baseline.
    """
    return {
        POOLED_VAR: PooledVAR(train_signals, ch_names, seed=seed),
        PROMPT_VAR: PromptVAR(seed=seed),
        IAAFT: IAAFTSurrogate(seed=seed),
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
        split: "validation" or "test"; or "train", to see memorisation.
        preset: "fast" (minutes on two cores) or "full".
        baselines: Whether to run the classical baselines too.
        classifiers: Two-sample classifiers; leave "boosting" and "convolutional" out to save most of the time.
        seed: Seed of baselines, bootstrap, boosting and network.
        progress: Called with a line at each step.
        segments: Prompts from `read_segments`, for other channels or other lengths than 8 s continued by 12 s.
            Then nothing else is generated, and without baselines nothing is read.
        parts: Parts among `PARTS` to generate in addition to the continuations.

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
        progress(f"reading the {split} recordings")
        signals = list(recordings(data_dir, split))
        segments = cut_segments(signals, items_per_recording=amount.items_per_recording)
        others = _other_parts(signals, segments, amount, parts)
        del signals
        progress("reading training recordings")
        train = _training_signals(data_dir, segments.ch_names, amount)
    elif baselines:
        train = _training_signals(data_dir, segments.ch_names, amount)
    todo = dict(generators)
    if baselines:
        progress("fitting the pooled VAR")
        todo |= baseline_generators(train, segments.ch_names, seed)

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
            row["met"] = meets(row["goal"], row["value"], floor and floor["value"])
    return Comparison(rows, segments, {name: continuations[name] for name in columns}, seconds, tuple(generators))


def _training_signals(data_dir: str | Path | None, ch_names: Sequence[str], amount: Preset) -> list[np.ndarray]:
    """Training recordings, in single precision to save memory."""
    read = recordings(
        data_dir, "train", ch_names, n_subjects=amount.n_train_subjects, n_sessions=amount.n_train_sessions
    )
    return [signal.x.astype(np.float32) for signal in read]


def _other_parts(signals, segments: Segments, amount: Preset, parts: Sequence[str]) -> dict[str, Part]:
    """The parts for which the recordings, and the prompts cut from them, have enough material."""
    makers = {
        "rollout": lambda: cut_rollout(signals, CHANNELS, amount.n_rollouts, amount.rollout_seconds),
        "longer prompts": lambda: cut_longer_prompts(signals, CHANNELS, amount.items_per_recording),
        "few channels": lambda: on_few_channels(segments, FEW_CHANNELS),
        "one channel": lambda: on_few_channels(segments, ONE_CHANNEL),
        "from nothing": lambda: cut_unprompted(signals, CHANNELS),
        "fists": lambda: cut_fists(signals, CHANNELS, trials_per_recording=amount.trials_per_recording),
    }
    found = {name: makers[name]() for name in PARTS if name in parts}
    return {name: part for name, part in found.items() if part is not None}


def _generate(generate: Generator, name: str, part: Continuations | Part) -> np.ndarray | None:
    """EEG that a generator gives for a part, its shape checked; None if it needs prompts and the part has none."""
    if isinstance(part, Unprompted):
        if (from_nothing := getattr(generate, "from_nothing", None)) is None:
            return None
        generated = from_nothing(part.ch_names, part.n_times, part.conditions, part.people)
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
