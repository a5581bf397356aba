# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""One table of several corpora: is a checkpoint as good on corpora that it never met as on the usual one?

Each corpus has its own folder with the files of an evaluation. Beside these folders are `corpora.md` and
`corpora.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from get_hf.processing.files import written_whole
from get_hf.training.evaluation.comparison import Comparison, read_judged
from get_hf.training.evaluation.generator import GETGenerator
from get_hf.training.evaluation.goals import goal_text
from get_hf.training.evaluation.innovations.filters import PromptFilters
from get_hf.training.evaluation.innovations.taken_apart import TakenApart, take_apart, write_taken_apart
from get_hf.training.evaluation.recordings import PRESETS, Cut, Segments
from get_hf.training.evaluation.report import fill_card
from get_hf.training.evaluation.run import about_run, check_judged, run, short_name
from get_hf.training.evaluation.table import FLOOR, number

#: Rows of the short table, with their heads; the last six only report.
HEADLINES = {
    "log PSD, ensemble": "PSD dB",
    "covariance, ensemble": "covariance",
    "coherence 8-13 Hz, ensemble": "coherence 8-13 Hz",
    "AUC everything, logistic": "logistic",
    "AUC everything, boosting": "boosting",
    "AUC convolutional net": "convolutional",
    "AUC independent, logistic": "independent logistic",
    "AUC independent, boosting": "independent boosting",
    "AUC log covariance": "log covariance",
    "AUC relative to the prompt, logistic": "relative logistic",
    "AUC relative to the prompt, boosting": "relative boosting",
    "AUC log covariance relative to the prompt": "relative log covariance",
}


def run_all(
    checkpoint: str | Path,
    data_dir: str | Path | None,
    out_dir: str | Path,
    corpora: Sequence[str | Path],
    split: str = "validation",
    preset: str = "fast",
    cards: Sequence[str | Path] = (),
    progress: Callable[[str], None] | None = None,
    **options,
) -> dict[str, Comparison]:
    """Judges a checkpoint on several corpora, see `run`.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        data_dir: Folder that contains the corpora of the registry.
        out_dir: Folder for the table of all corpora, and for a folder of each corpus.
        corpora: Names in the registry, or folders of prepared corpora.
        split: See `run`.
        preset: See `run`.
        cards: Markdown files with a place for the table of several corpora.
        progress: Called with a line at each step.
        options: Further arguments of `run`.

    Returns:
        The comparison on each corpus, by its short name.

    Raises:
        ValueError: Two corpora have the same short name, a card has no place for the table, or see `run`.
    """
    names = short_names(corpora)
    for corpus in corpora:  # what is wrong with the last is said before the first takes its hour
        check_judged(checkpoint, data_dir, split, preset, corpus)
    for card in map(Path, cards):
        fill_card(card.read_text(encoding="utf-8"), "corpora", "", str(card))
    found = {}
    for name, corpus in zip(names, corpora, strict=True):
        told = None if progress is None else lambda line, name=name: progress(f"{name}: {line}")
        own = Path(out_dir) / name
        found[name] = run(checkpoint, data_dir, own, split, preset, progress=told, corpus=corpus, **options)
    about = about_run(checkpoint, " ".join(names), split, preset, options.get("seed", 0))
    text = across_markdown(found, about)
    content = {"about": about, "rows": {name: comparison.rows for name, comparison in found.items()}}
    written = {Path(out_dir) / "corpora.json": json.dumps(content, indent=1, default=float) + "\n"}
    written[Path(out_dir) / "corpora.md"] = "# Fidelity on several corpora\n\n" + text
    for card in map(Path, cards):
        written[card] = fill_card(card.read_text(encoding="utf-8"), "corpora", text, str(card))
    for path, words in written.items():
        with written_whole(path) as beside:
            beside.write_text(words, encoding="utf-8")
    return found


def short_names(corpora: Sequence[str | Path]) -> list[str]:
    """A name of each corpus for columns and folders.

    Raises:
        ValueError: Two have the same name.
    """
    names = ["".join(c if c.isalnum() or c in "-_." else "-" for c in short_name(corpus)) for corpus in corpora]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"Two of the corpora are called {twice[0]}: name each once, or rename a folder.")
    return names


def across_markdown(found: Mapping[str, Comparison], about: Mapping) -> str:
    """The text of `corpora.md`: facts, a short table with every generator, and all rows with a column per corpus."""
    facts = ", ".join(f"{key.replace('_', ' ')} `{value}`" for key, value in about.items() if key != "date")
    return "\n".join(
        [
            f"Measured on {about.get('date', 'an unknown day')}: {facts}.",
            "",
            "; ".join(f"`{name}`: {_amount(comparison)}" for name, comparison in found.items()) + ".",
            "",
            headline_table(found),
            across_table(found),
        ]
    )


def headline_table(found: Mapping[str, Comparison]) -> str:
    """A Markdown table with a line for each generator on each corpus, and the rows of `HEADLINES` as columns."""
    lines = [["corpus", "generator", *HEADLINES.values()], ["---"] * (len(HEADLINES) + 2)]
    for name, comparison in found.items():
        for column, rows in comparison.rows.items():
            lines.append([name, column, *(_value(rows, row) for row in HEADLINES)])
    return _joined(lines)


def across_table(found: Mapping[str, Comparison]) -> str:
    """A Markdown table of all rows: for each corpus a column, and beside it the column of its real EEG."""
    columns = [(name, column) for name, comparison in found.items() for column in (*comparison.judged, FLOOR)]
    lines = [
        ["what", "unit", "goal", *(f"{name}: {column}" for name, column in columns)],
        ["---"] * (len(columns) + 3),
    ]
    known = {row: about for each in found.values() for row, about in each.rows[each.judged[0]].items()}
    groups = list(dict.fromkeys(about["group"] for about in known.values()))
    for row, about in sorted(known.items(), key=lambda pair: groups.index(pair[1]["group"])):
        values = [_value(found[name].rows[column], row) for name, column in columns]
        lines.append([row, about["unit"], goal_text(about["goal"]), *values])
    return _joined(lines)


def take_all_apart(
    checkpoint: str | Path,
    data_dir: str | Path | None,
    out_dir: str | Path,
    corpora: Sequence[str | Path],
    split: str = "validation",
    preset: str = "fast",
    progress: Callable[[str], None] | None = None,
    cut: Cut | None = None,
    seed: int = 0,
    device: str | None = None,
) -> str:
    """Takes the real innovations of corpora apart, see `innovations.taken_apart`.

    The arguments are those of `run_all`.

    Returns:
        The text of `innovations.md`.
    """
    names = short_names(corpora)
    for corpus in corpora:
        check_judged(checkpoint, data_dir, split, preset, corpus)
    generator = GETGenerator(checkpoint, seed=seed, device=device)
    amount = PRESETS[preset]
    found: dict[str, TakenApart] = {}
    for name, corpus in zip(names, corpora, strict=True):
        told = None if progress is None else lambda line, name=name: progress(f"{name}: {line}")
        segments, _, _ = read_judged(corpus, data_dir, split, amount, cut)
        filters = PromptFilters(generator.extractor)
        found[name] = take_apart(segments, filters, generator, amount.n_bootstrap, seed, told)
    about = about_run(checkpoint, " ".join(names), split, preset, seed)
    return write_taken_apart(found, about, out_dir)


def _amount(comparison: Comparison) -> str:
    of: Segments = comparison.segments
    before, after = (x.shape[-1] / of.sampling_rate for x in (of.prompt, of.continuation))
    floor = ", real EEG from other recordings of the same people" if comparison.other_recordings else ""
    return (
        f"{len(of.subjects)} prompts of {before:g} s continued by {after:g} s, {len(np.unique(of.subjects))} people, "
        f"{len(of.ch_names)} channels{floor}"
    )


def _value(rows: Mapping[str, Mapping], row: str) -> str:
    value = rows[row]["value"] if row in rows else np.nan
    return number(value) if np.isfinite(value) else ""


def _joined(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
