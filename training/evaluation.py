# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fidelity on people that training never saw: GET, the real-vs-real floor and the baselines side by side.

While developing, `compare` judges any function that continues prompts:

    from get_hf.training.evaluation import compare
    print(compare({"mine": lambda prompts_uv, ch_names: ...}, "data").table())

and `run` does the same for a checkpoint folder, then writes the table (JSON and Markdown), the plots and, if
wanted, the figures of a model card.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import numpy as np

from .baselines import IAAFTSurrogate, PooledVAR, PromptVAR
from .fidelity import evaluate_arrays
from .fidelity_report import provenance, write_report
from .pretraining import SUMMARY
from .segments import PRESETS, SAMPLING_RATE, Segments, read_segments, recordings
from .splits import check_unseen

FLOOR = "real"
Generator = Callable[[np.ndarray, Sequence[str]], np.ndarray]


@dataclass
class Comparison:
    """The fidelity table of several generators.

    Attributes:
        rows: For each column (generators first, then the floor and the baselines) its rows, see
            `evaluate_arrays`; each also has `over_floor` and `met`.
        segments: What it was measured on.
        continuations: For each column, `(items, channels, times)` in microvolts.
        seconds: For each column, how long generating took.
        judged: The columns that goals apply to.
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
            cells = [name, first["unit"], _goal_text(first["goal"])]
            for column in columns:
                row = self.rows[column][name]
                text = f"{row['value']:.3f}" if abs(row["value"]) < 10 else f"{row['value']:.1f}"
                if intervals and column in self.judged and row["interval"]:
                    text += " ({:.3g} to {:.3g})".format(*row["interval"])
                cells.append(text)
            met = (self.rows[column][name]["met"] for column in self.judged)
            lines.append(cells + [{True: "yes", False: "no", None: ""}[m] for m in met])
        widths = [max(len(line[c]) for line in lines) for c in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        padded = (" | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(f"| {line} |" for line in padded)


def _goal_text(goal: tuple | None) -> str:
    if goal is None:
        return ""
    kind, *limits = goal
    return {
        "times floor": "<= {:g}x real",
        "at most": "<= {:g}",
        "between": "{:g} to {:g}",
        "share of floor": ">= {:g}x real",
    }[kind].format(*limits)


def _meets(row: dict, floor: dict | None) -> bool | None:
    kind, *limits = row["goal"]
    if kind == "at most":
        return row["value"] <= limits[0]
    if kind == "between":
        return limits[0] <= row["value"] <= limits[1]
    if floor is None:
        return None
    limit = limits[0] * floor["value"]
    return row["value"] <= limit if kind == "times floor" else row["value"] >= limit


def baseline_generators(train_signals: Iterable[np.ndarray], n_times: int, seed: int = 0) -> dict[str, Generator]:
    """The classical generators of every table: pooled VAR, VAR of the prompt, IAAFT surrogate of the prompt.

    Args:
        train_signals: Recordings `(channels, times)` in microvolts that fit the pooled VAR.
        n_times: Samples to generate.
        seed: Of each one's noise.
    """
    return {
        "pooled VAR(12)": PooledVAR(train_signals, n_times, seed=seed),
        "prompt VAR": PromptVAR(n_times, seed=seed),
        "IAAFT": IAAFTSurrogate(n_times, seed=seed),
    }


def compare(
    generators: dict[str, Generator],
    data_dir: str | Path | None,
    split: str = "validation",
    preset: str = "fast",
    baselines: bool = True,
    classifiers: Sequence[str] = ("logistic", "boosting"),
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    segments: Segments | None = None,
) -> Comparison:
    """Measures generators, the real-vs-real floor and the baselines on the same prompts of unseen people.

    Args:
        generators: By name, functions `(prompts (items, channels, times) in microvolts at 100 Hz, ch_names)
            -> (items, channels, n_times)` in microvolts, called once with all prompts; longer results are
            cut.
        data_dir: Folder that contains the corpus.
        split: "validation" or "test"; or "train", to see memorisation.
        preset: "fast" (minutes on two cores) or "full".
        baselines: Whether to run the classical baselines too.
        classifiers: Which two-sample classifiers; leave "boosting" out to save most of the time.
        seed: Of baselines, bootstrap and boosting.
        progress: Called with a line at each step.
        segments: Prompts to use from `read_segments`, for other channels and lengths than 8 s continued by
            12 s.

    Raises:
        ValueError: Unknown split or preset, or a generator that returns another shape.
        CorpusUnavailableError: No corpus in `data_dir`.
    """
    progress = progress or (lambda message: None)
    if segments is None:
        progress(f"reading the {split} recordings")
        segments = read_segments(data_dir, split, preset)
    amount = PRESETS[preset]
    n_times = segments.continuation.shape[-1]
    todo = dict(generators)
    if baselines:
        progress("fitting the pooled VAR")
        train = recordings(data_dir, "train", segments.ch_names, n_subjects=amount.n_train_subjects, n_sessions=3)
        todo |= baseline_generators((x for x, _, _ in train), n_times, seed)
    continuations, seconds = {}, {}
    for name, generate in todo.items():
        progress(f"generating: {name}")
        begin = time.perf_counter()
        made = np.asarray(generate(segments.prompt, segments.ch_names), dtype=float)[..., :n_times]
        seconds[name] = time.perf_counter() - begin
        if made.shape != segments.continuation.shape:
            raise ValueError(
                f"Generator {name!r} returned {made.shape} where {segments.continuation.shape} (items, "
                "channels, times) were asked for: it must return the continuation alone, for all prompts."
            )
        continuations[name] = made
    columns = {name: continuations[name] for name in generators} | {FLOOR: segments.other} | continuations
    rows = {}
    for name, made in columns.items():
        progress(f"judging: {name}")
        rows[name] = evaluate_arrays(
            segments.prompt, segments.continuation, made, segments.subjects, segments.sampling_rate,
            segments.ch_names, segments.conditions, classifiers, amount.n_bootstrap, seed,
        )  # fmt: skip
    for column in rows.values():
        for name, row in column.items():
            floor = rows[FLOOR].get(name)
            row["over_floor"] = row["value"] / floor["value"] if floor and floor["value"] else None
            row["met"] = _meets(row, floor)
    return Comparison(rows, segments, columns, seconds, tuple(generators))


class GETGenerator:
    """A checkpoint as a generator for `compare`.

    Args:
        checkpoint: Folder (or Hub name) with the model's and the feature extractor's files.
        seconds: To generate.
        conditions: Per prompt, what its recording is known to hold throughout; "none" is not told.
        batch_size: Prompts continued at once.
        seed: Of the sampling.
        generate_options: For `GETModel.generate`, such as `num_flow_steps=` or `temperature=`.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        seconds: float,
        conditions: Sequence[str] | None = None,
        batch_size: int = 30,
        seed: int = 0,
        **generate_options,
    ):
        import torch

        from get_hf.modeling.modeling_get import GETModel
        from get_hf.processing.feature_extraction_get import GETFeatureExtractor

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = GETModel.from_pretrained(checkpoint).eval().to(self.device)
        self.extractor = GETFeatureExtractor.from_pretrained(checkpoint)
        self.seconds, self.conditions, self.batch_size, self.seed = seconds, conditions, batch_size, seed
        self.generate_options = generate_options

    def __call__(self, prompts: np.ndarray, ch_names: Sequence[str]) -> np.ndarray:
        """Continues prompts `(items, channels, times)`, microvolts at 100 Hz; returns continuations alone."""
        import torch
        from rich.progress import track

        conditions = np.array(self.conditions or ["none"] * len(prompts))
        n_times = round(self.seconds * SAMPLING_RATE)
        n_patches = ceil(n_times / self.model.config.patch_size)
        source = torch.Generator(self.device).manual_seed(self.seed)
        batches = []  # of one condition each
        for condition in np.unique(conditions):
            items = np.flatnonzero(conditions == condition)
            batches += [(condition, items[i : i + self.batch_size]) for i in range(0, len(items), self.batch_size)]
        out = np.empty((*prompts.shape[:2], n_times))
        for condition, items in track(batches, "generating", transient=True):
            features = self.extractor(
                prompts[items],
                SAMPLING_RATE,
                list(ch_names),
                "uV",
                None if condition == "none" else str(condition),
            )
            with torch.inference_mode():
                generated = self.model.generate(
                    **features.to(self.device),
                    max_new_tokens=n_patches,
                    generator=source,
                    **self.generate_options,
                )
            made = self.extractor.decode(generated, features, output="array", include_prompt=False)
            for item, x in zip(items, made, strict=True):
                out[item] = x[:, :n_times]
        return out


def run(
    checkpoint: str | Path,
    data_dir: str | Path | None,
    out_dir: str | Path,
    split: str = "validation",
    preset: str = "fast",
    cards: Sequence[str | Path] = (),
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    **generate_options,
) -> Comparison:
    """Judges a checkpoint beside floor and baselines, and writes table and plots.

    Args:
        checkpoint: Folder (or Hub name) with the model's and the feature extractor's files.
        data_dir: Folder that contains the corpus.
        out_dir: Where `fidelity.json`, `fidelity.md` and the plots go.
        split: "validation" or "test".
        preset: "fast" (minutes on two cores) or "full".
        cards: Markdown files whose figures to replace, see `write_report`.
        seed: Of generation, baselines, bootstrap and boosting.
        progress: Called with a line at each step.
        generate_options: For `GETModel.generate`.

    Returns:
        The table, see `Comparison.table`.

    Raises:
        ValueError: The checkpoint was trained on somebody of the split.
    """
    segments = read_segments(data_dir, split, preset)
    check_unseen(Path(checkpoint) / SUMMARY, [("eegmmidb", str(subject)) for subject in segments.subjects])
    seconds = segments.continuation.shape[-1] / segments.sampling_rate
    generator = GETGenerator(checkpoint, seconds, segments.conditions, seed=seed, **generate_options)
    comparison = compare({"GET": generator}, data_dir, split, preset, seed=seed, progress=progress, segments=segments)
    about = provenance(
        checkpoint=Path(checkpoint).name,
        corpus="eegmmidb",
        split=split,
        preset=preset,
        seed=seed,
        **generate_options,
    )
    summary = Path(checkpoint) / SUMMARY
    training = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None
    write_report(comparison, about, out_dir, cards, training)
    return comparison
