# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The evaluation of a checkpoint: table (JSON and Markdown), plots and, if wanted, the figures of a card."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from get_hf.training.corpora import get_corpus
from get_hf.training.data.provenance import provenance, weights_digest
from get_hf.training.data.splits import check_unseen
from get_hf.training.pretraining.run import SUMMARY

from .comparison import Comparison, compare
from .generator import GETGenerator
from .recordings import PRESETS, check_choices
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
    **generate_options,
) -> Comparison:
    """Judges a checkpoint beside the floor and the baselines, and writes table and plots.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        data_dir: Folder that contains the corpus.
        out_dir: Folder for `fidelity.json`, `fidelity.md` and the plots.
        split: "validation" or "test".
        preset: "fast" (minutes on two cores) or "full".
        cards: Markdown files whose figures are replaced, see `write_report`.
        seed: Seed of generation, baselines, bootstrap, boosting and network.
        device: Device that generates; None: a CUDA GPU where there is one, else the CPU.
        progress: Called with a line at each step.
        generate_options: Options of `GETModel.generate`.

    Returns:
        The table, see `Comparison.table`.

    Raises:
        ValueError: The checkpoint was trained on a person of the split, or a card has no place for the figures.
    """
    check_choices(split, preset)
    summary = Path(checkpoint) / SUMMARY
    judged_on = {recording.subject for recording in get_corpus("eegmmidb").recordings(data_dir, split)}
    check_unseen(summary, [("eegmmidb", subject) for subject in sorted(judged_on)])
    training = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
    facts = training_facts(training) if "recipe" in training else None  # fine-tuning leaves another summary
    for card in map(Path, cards):
        fill_in(card, "", "", facts)  # a card without a place for figures is refused now, not after an hour
    generator = GETGenerator(checkpoint, seed=seed, device=device, **generate_options)
    comparison = compare({"GET": generator}, data_dir, split, preset, seed=seed, progress=progress)
    about = provenance(
        weights=weights_digest(checkpoint),
        corpus="eegmmidb",
        split=split,
        preset=preset,
        rollout=f"{PRESETS[preset].rollout_seconds / 60:g} min",
        seed=seed,
        **generate_options,
    )
    write_report(comparison, about, out_dir, cards, facts)
    return comparison
