# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The evaluation of a checkpoint: table (JSON and Markdown), plots and, if wanted, the figures of a card."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from get_hf.training.data.provenance import provenance, weights_digest
from get_hf.training.data.splits import check_unseen
from get_hf.training.pretraining.run import SUMMARY

from .comparison import USUAL_CORPUS, Comparison, compare
from .corpora.material import judged_people
from .generator import GETGenerator
from .recordings import PRESETS, Cut, check_choices
from .report import fill_in, training_facts, write_report


def run(
    checkpoint: str | Path,
    data_dir: str | Path | None,
    out_dir: str | Path,
    split: str = "validation",
    preset: str = "fast",
    cards: Sequence[str | Path] = (),
    seed: int = 0,
    device: str | None = None,
    progress: Callable[[str], None] | None = None,
    corpus: str | Path = USUAL_CORPUS,
    cut: Cut | None = None,
    **generate_options,
) -> Comparison:
    """Judges a checkpoint beside the floor and the baselines, and writes table and plots.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        data_dir: Folder that contains the corpus.
        out_dir: Folder for `fidelity.json`, `fidelity.md` and the plots.
        split: "validation", "test" or "left-out"; see `recordings.is_in_split`.
        preset: "fast" (minutes on two cores) or "full".
        cards: Markdown files whose figures are replaced, see `write_report`.
        seed: Seed of generation, baselines, bootstrap, boosting and network.
        device: Device that generates; None: a CUDA GPU where there is one, else the CPU.
        progress: Called with a line at each step.
        corpus: Name of a corpus in the registry, or folder of a prepared corpus.
        cut: Lengths of prompts and continuations; None: what fits the recordings.
        generate_options: Options of `GETModel.generate`.

    Returns:
        The table, see `Comparison.table`.

    Raises:
        ValueError: The checkpoint was trained on a person of the split, the split is empty, or a card has no place for
            the figures.
    """
    check_judged(checkpoint, data_dir, split, preset, corpus)
    facts = _training_facts(checkpoint)
    for card in map(Path, cards):
        fill_in(card, "", "", facts)  # a card without a place for figures is refused now, not after an hour
    generator = GETGenerator(checkpoint, seed=seed, device=device, **generate_options)
    comparison = compare(
        {"GET": generator},
        data_dir,
        split,
        preset,
        seed=seed,
        progress=progress,
        corpus=corpus,
        cut=cut,
        extractor=generator.extractor,
    )
    about = about_run(checkpoint, corpus, split, preset, seed, **generate_options)
    write_report(comparison, about, out_dir, cards, facts)
    return comparison


def check_judged(
    checkpoint: str | Path, data_dir: str | Path | None, split: str, preset: str, corpus: str | Path
) -> None:
    """Checks that there are people to judge on, and that the checkpoint was not trained on them.

    Raises:
        ValueError: One of the two does not hold, or the split or the preset is unknown.
    """
    check_choices(split, preset)
    people = judged_people(corpus, data_dir, split)
    if not people:
        raise ValueError(f"{corpus} has no recordings of the {split} split in {data_dir}.")
    check_unseen(Path(checkpoint) / SUMMARY, sorted(people))


def about_run(
    checkpoint: str | Path, corpus: str | Path, split: str, preset: str, seed: int, **options
) -> dict[str, object]:
    """The provenance of an evaluation."""
    return provenance(
        weights=weights_digest(checkpoint),
        corpus=short_name(corpus),
        split=split,
        preset=preset,
        rollout=f"{PRESETS[preset].rollout_seconds / 60:g} min",
        seed=seed,
        **options,
    )


def short_name(corpus: str | Path) -> str:
    """A name for tables, which shows no private folders.

    It is the name in the registry, or the last folder of a path: `mine` for `some/where/mine` and for
    `files:/where/mine/*.edf`.
    """
    if "/" not in str(corpus):
        return str(corpus)
    parts = [part for part in str(corpus).rstrip("/").split("/") if part and "*" not in part]
    return parts[-1] if parts else str(corpus).partition(":")[0]


def _training_facts(checkpoint: str | Path) -> str | None:
    """`training_facts` of a checkpoint; None if its summary is of fine-tuning, or missing."""
    summary = Path(checkpoint) / SUMMARY
    training = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
    return training_facts(training) if "recipe" in training else None
