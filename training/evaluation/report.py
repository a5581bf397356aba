# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Files of an evaluation: the table (JSON and Markdown), its plots, and the figures in documents.

A document has a place for the full table, `<!-- figures:begin -->` to `<!-- figures:end -->`, or for six of its rows,
`<!-- summary:begin -->` to `<!-- summary:end -->`, or for both. The table of several corpora, which
`corpora.across` makes, has its place between `<!-- corpora:begin -->` and `<!-- corpora:end -->`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from get_hf.processing.files import written_whole

from .goals import goal_text
from .plots import PLOTS
from .requirements import ONLY_REPORT, PLAYBACK, REPLAY, WHITE, requirements_table
from .table import FLOOR, number

if TYPE_CHECKING:
    from .comparison import Comparison

#: Rows of the summary and their labels there: the three most telling rows, then three that fall short.
SUMMARY_ROWS = {
    "AUC everything, boosting": "Separated from real EEG by boosted trees on all features (AUC)",
    "AUC log covariance": "Separated from real EEG by its covariances (AUC)",
    "AUC convolutional net": "Separated from real EEG by a convolutional network (AUC)",
    "log PSD, ensemble": "Error of the mean log spectrum (dB)",
    "coherence 20-30 Hz, ensemble": "Error of the mean coherence, 20 to 30 Hz (relative)",
    "RMS over real, mean of logarithms, from nothing": "RMS amplitude without a recording, over that of real EEG",
}


def summary(rows: Mapping[str, Mapping[str, Mapping]], judged: str) -> str:
    """Six rows of the table in Markdown: a generator beside real EEG and beside the best baseline.

    Args:
        rows: Rows of each column, as in `Comparison.rows` or under "rows" in `fidelity.json`.
        judged: The generator's column.

    Returns:
        A Markdown table of the measured rows among `SUMMARY_ROWS`. The best baseline is the baseline whose figure is
        nearest to the figure of real EEG; `replay` is none, because it copies the prompt.
    """
    lines = [f"| what | {judged} | real EEG | best baseline | goal | met |", "|---|---|---|---|---|---|"]
    for name, label in SUMMARY_ROWS.items():
        if name not in rows[judged]:
            continue
        row, real = rows[judged][name], rows[FLOOR][name]["value"]
        figure = number(row["value"])
        if row["interval"]:
            figure += " ({:.3g} to {:.3g})".format(*row["interval"])
        baselines = {
            column: own[name]["value"]
            for column, own in rows.items()
            if column not in (judged, FLOOR, REPLAY) and name in own
        }
        best = min(baselines, key=lambda column: abs(baselines[column] - real), default=None)
        baseline = f"{number(baselines[best])} ({best})" if best else ""
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        lines.append(f"| {label} | {figure} | {number(real)} | {baseline} | {goal_text(row['goal'])} | {met} |")
    return "\n".join(lines) + "\n"


def markdown(comparison: Comparison, about: dict) -> str:
    """A Markdown section with the table and the conditions of the measurement."""
    segments = comparison.segments
    n_items, n_chans, n_prompt = segments.prompt.shape
    n_people = len(np.unique(segments.subjects))
    prompt_s, made_s = (n / segments.sampling_rate for n in (n_prompt, segments.continuation.shape[-1]))
    speed = [f"{name} {n_items * made_s / seconds:.0f}x" for name, seconds in comparison.seconds.items()]
    facts = ", ".join(f"{key.replace('_', ' ')} `{value}`" for key, value in about.items() if key != "date")
    lines = [
        f"Measured on {about.get('date', 'an unknown day')}: {facts}.",
        "",
        f"{n_items} prompts of {prompt_s:g} s from {n_people} people who were not in training, {n_chans} "
        f"channels, continued by {made_s:g} s. Column `real` is another stretch of "
        f"{'other recordings of the same people' if comparison.other_recordings else 'the same recordings'}; in "
        "brackets, 95 % intervals over people. AUC is that of a classifier that separates 2 s windows of "
        "people it was not trained on: 0.5 means that it cannot, and less is no better, it means that a difference "
        "found in some people is the opposite in others. " + _explained(comparison),
        "",
        comparison.table(intervals=True),
        "",
        f"Generated seconds of EEG per second: {', '.join(speed)}.",
    ]
    for column, found in comparison.requirements.items():
        if found:
            lines += ["", f"What {column} must reach:", "", requirements_table(found)]
    return "\n".join(lines) + "\n"


def _explained(comparison: Comparison) -> str:
    """Explanations of the groups of rows that are in the table."""
    said = {
        "waveform": "Sizes of the waveform and of the coupling of amplitudes are those of each column itself.",
        "independent": f"The rows {', '.join(ONLY_REPORT)} only report: nothing was chosen by them.",
        "relative": "Features relative to the prompt are minus their mean over its windows.",
        "prompt": "A swapped prompt comes from other people in the same condition: its continuation is compared with "
        "this prompt's true continuation.",
        "rollout": "The rollout continues 30 s; its windows of 10 s are compared with their prompt as windows of real "
        "recordings are with their beginning; the limits come from all other people.",
        "longer prompts": "Longer prompts are cut where recordings are long enough, so they differ from the prompts "
        "above.",
        "few channels": "Few channels are those prompts on some of their electrodes, and the model sees no others.",
        "references": "The same prompts with another reference have a label for it.",
        "cleaned": "Cleaned prompts are of recordings without their components of blinks; high frontal waves that are "
        "left count as blinks too.",
        "from nothing": "EEG from nothing is the end of a minute without a prompt, of as many people as are "
        "evaluated; but these are virtual people: no goal depends on how little real people differ from themselves. "
        "Covariances there are in units of their own power.",
        "memorisation": "Training windows are looked for at every lag of the training recordings that were read.",
    }
    groups = {row["group"] for row in comparison.rows[comparison.judged[0]].values()}
    explained = " ".join(text for group, text in said.items() if group in groups)
    without = [name for name in (WHITE, PLAYBACK, REPLAY) if name in comparison.rows]
    if without:
        explained += (
            " Columns `white`, `playback` and `replay` have no network: noise, noise with the prompt's amplitudes, "
            "and the prompt's own innovations in blocks of 2 s in random order, which is a copy and does not compete."
        )
    return explained


def training_facts(summary: dict) -> str:
    """Formats the summary of pretraining as a few sentences for the model card."""
    recipe = summary["recipe"]
    minutes = summary["wall_seconds"] / 60
    losses = [entry["eval_loss"] for entry in summary["log"] if "eval_loss" in entry]
    learnt = (
        f"Flow-matching loss on validation people {losses[0]:.3f} at the first evaluation and {losses[-1]:.3f} at the "
        "end, of averaged weights. "
        if losses
        else ""
    )
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    return (
        f"{summary['parameters'] / 1e6:.2f} million parameters; {summary['steps']} steps of "
        f"{summary['crops'] // summary['steps']} crops of {recipe['crop_seconds']:g} s, "
        f"{summary['seconds_of_eeg'] / 3600:.0f} hours of EEG with repetition, from "
        f"{summary['training_subjects']} people; {minutes:.0f} minutes on {summary['machine']}, seed "
        f"{summary['seed']}, commit {(summary['commit'] or 'none')[:12]}. {learnt}{versions}.\n"
    )


def write_report(
    comparison: Comparison,
    about: dict,
    out_dir: str | Path,
    cards: Sequence[str | Path] = (),
    training: str | None = None,
) -> Path:
    """Writes `fidelity.json`, `fidelity.md` and the plots; each file appears whole or not at all.

    Args:
        comparison: Comparison to report.
        about: `provenance.provenance` of the run.
        out_dir: Folder for the files, created if it is missing.
        cards: Markdown files whose figures are replaced, see `fill_in`.
        training: `training_facts`, for the text between `<!-- training:begin -->` and
            `<!-- training:end -->` in the cards that have such a place; None leaves the text unchanged.

    Returns:
        The folder.

    Raises:
        ValueError: A card has no place for figures.
    """
    out_dir = Path(out_dir)
    text, short = markdown(comparison, about), summary(comparison.rows, comparison.judged[0])
    filled = {card: fill_in(card, text, short, training) for card in map(Path, cards)}
    out_dir.mkdir(parents=True, exist_ok=True)
    content = {
        "about": about,
        "rows": comparison.rows,
        "requirements": comparison.requirements,
        "generation_seconds": comparison.seconds,
    }
    _write(out_dir / "fidelity.json", json.dumps(content, indent=1, default=float) + "\n")
    _write(out_dir / "fidelity.md", "# Fidelity\n\n" + text)
    for name, plot in PLOTS.items():
        plot(comparison, out_dir / f"{name}.png")
    for card, filled_in in filled.items():
        _write(card, filled_in)
    return out_dir


def fill_in(card: Path, figures: str, short: str, training: str | None) -> str:
    """Fills the figures into a document's text, and the facts of training where there is a place for them.

    Args:
        card: A Markdown file.
        figures: The full table, for the place of the figures.
        short: Six rows of it, for the place of the summary.
        training: `training_facts`, or None to leave their place unchanged.

    Returns:
        The new text of the document.

    Raises:
        ValueError: There is a place for neither table, or the marks of a section are in the wrong order.
    """
    text = card.read_text(encoding="utf-8")
    sections = {"summary": short, "training": training}
    if "<!-- summary:begin -->" not in text or "<!-- figures:begin -->" in text:
        sections["figures"] = figures  # without a place for either, the error names this one
    for section, content in sections.items():
        if content is not None and (section == "figures" or f"<!-- {section}:begin -->" in text):
            text = fill_card(text, section, content, str(card))
    return text


def fill_card(card: str, section: str, text: str, name: str = "the card") -> str:
    """Replaces the text between the marks of a section in a Markdown text.

    Raises:
        ValueError: The marks are missing or in the wrong order.
    """
    first, last = f"<!-- {section}:begin -->", f"<!-- {section}:end -->"
    begin, end = card.find(first), card.find(last)
    if begin < 0 or end < begin:
        raise ValueError(f"{name} has no place for the {section}: add the lines {first} and {last} where they belong.")
    return card[: begin + len(first)] + "\n" + text.strip() + "\n" + card[end:]


def _write(path: Path, text: str) -> None:
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
