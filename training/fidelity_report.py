# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What an evaluation leaves: the table (JSON and Markdown), its plots, and the figures in a model card."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .fidelity import covariance, log_psd

if TYPE_CHECKING:
    from .evaluation import Comparison

TRACE_SECONDS = (3.0, 5.0)  # of the prompt's end and of the continuation, in the plot of traces


def provenance(**settings) -> dict:
    """When, from which commit, on what kind of machine: what a figure is worth nothing without."""
    import torch

    here = Path(__file__).resolve().parent
    git = ["git", "-C", str(here)]
    found = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    commit = found.stdout.strip() if found.returncode == 0 else "none"
    machine = f"{platform.machine()} CPU, {os.cpu_count()} cores"
    if torch.cuda.is_available():
        machine = torch.cuda.get_device_name() + ", " + machine
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit + (" with uncommitted changes" if changed.stdout.strip() else ""),
        "machine": machine,
        "torch": torch.__version__,
        **settings,
    }


def markdown(comparison: Comparison, about: dict) -> str:
    """The table with how it was measured, as a Markdown section."""
    segments = comparison.segments
    n_items, n_chans, n_prompt = segments.prompt.shape
    n_people = len(np.unique(segments.subjects))
    prompt_s, made_s = (n / segments.sampling_rate for n in (n_prompt, segments.continuation.shape[-1]))
    speed = [f"{name} {n_items * made_s / seconds:.0f}x" for name, seconds in comparison.seconds.items()]
    facts = "; ".join(f"{key.replace('_', ' ')} {value}" for key, value in about.items())
    lines = [
        f"Measured with {facts}.",
        "",
        f"{n_items} prompts of {prompt_s:g} s from {n_people} people whom training never saw, {n_chans} "
        f"channels, continued by {made_s:g} s. Column `real` is another stretch of the same recordings; in "
        "brackets, 95 % intervals over people. AUC is that of a classifier told to separate 2 s windows of "
        "people it was not trained on: 0.5 is indistinguishable.",
        "",
        comparison.table(intervals=True),
        "",
        f"Generated seconds of EEG per second: {', '.join(speed)}.",
    ]
    return "\n".join(lines) + "\n"


def training_facts(summary: dict) -> str:
    """What pretraining left in its summary, as a sentence or two for the model card."""
    recipe = summary["recipe"]
    minutes = summary["wall_seconds"] / 60
    losses = [entry["eval_loss"] for entry in summary["log"] if "eval_loss" in entry]
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    return (
        f"{summary['parameters'] / 1e6:.2f} million parameters; {summary['steps']} steps of "
        f"{summary['crops'] // summary['steps']} crops of {recipe['crop_seconds']:g} s, "
        f"{summary['seconds_of_eeg'] / 3600:.0f} hours of EEG with repetition, from "
        f"{summary['training_subjects']} people; {minutes:.0f} minutes on {summary['machine']}, seed "
        f"{summary['seed']}, commit {(summary['commit'] or 'none')[:12]}. Flow-matching loss on validation people "
        f"{losses[0]:.3f} at the first evaluation and {losses[-1]:.3f} at the end, of averaged weights. {versions}.\n"
    )


def write_report(
    comparison: Comparison,
    about: dict,
    out_dir: str | Path,
    cards: Sequence[str | Path] = (),
    training: dict | None = None,
) -> Path:
    """Writes `fidelity.json`, `fidelity.md` and the plots; each file appears whole or not at all.

    Args:
        comparison: What to report.
        about: `provenance` of the run.
        out_dir: Folder for the files, made if need be.
        cards: Markdown files whose text between `<!-- figures:begin -->` and `<!-- figures:end -->` is replaced.
        training: Summary of pretraining, for the text between `<!-- training:begin -->` and
            `<!-- training:end -->` of the cards that have such a place; None leaves that as it is.

    Returns:
        The folder.

    Raises:
        ValueError: A card lacks the marks of the figures.
    """
    out_dir = Path(out_dir)
    text = markdown(comparison, about)
    filled = {}
    for card in map(Path, cards):
        filled[card] = fill_card(card.read_text(encoding="utf-8"), "figures", text, str(card))
        if training is not None and "<!-- training:begin -->" in filled[card]:
            filled[card] = fill_card(filled[card], "training", training_facts(training), str(card))
    out_dir.mkdir(parents=True, exist_ok=True)
    content = {"about": about, "rows": comparison.rows, "generation_seconds": comparison.seconds}
    _write(out_dir / "fidelity.json", json.dumps(content, indent=1, default=float) + "\n")
    _write(out_dir / "fidelity.md", "# Fidelity\n\n" + text)
    plot_spectra(comparison, out_dir / "spectra.png")
    plot_traces(comparison, out_dir / "traces.png")
    plot_covariances(comparison, out_dir / "covariances.png")
    for card, content in filled.items():
        _write(card, content)
    return out_dir


def fill_card(card: str, section: str, text: str, name: str = "the card") -> str:
    """Replaces what stands between the marks of a section of a Markdown text.

    Raises:
        ValueError: The marks are missing or in the wrong order.
    """
    first, last = f"<!-- {section}:begin -->", f"<!-- {section}:end -->"
    begin, end = card.find(first), card.find(last)
    if begin < 0 or end < begin:
        raise ValueError(f"{name} has no place for the {section}: add the lines {first} and {last} where they belong.")
    return card[: begin + len(first)] + "\n" + text.strip() + "\n" + card[end:]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


# ------------------------------------------------------------------------------------------ the plots


def _figure(n_rows: int, n_columns: int, width: float, height: float):
    """An Agg figure outside pyplot's global state: evaluation also runs in threads and without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _series(comparison: Comparison, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    chosen = {name: comparison.continuations[name] for name in columns or comparison.continuations}
    return {"true continuation": comparison.segments.continuation} | chosen


def plot_spectra(comparison: Comparison, path: Path) -> None:
    """Mean log PSD of every column, for a frontal, a central and an occipital channel and over all."""
    names = comparison.segments.ch_names
    shown = [name for name in ("Fz", "C3", "Oz") if name in names] + ["all channels"]
    figure, axes = _figure(1, len(shown), 4 * len(shown), 3.5)
    for label, x in _series(comparison).items():
        freqs, psd = log_psd(x, comparison.segments.sampling_rate)
        for axis, name in zip(axes[0], shown, strict=True):
            mean = psd.mean(axis=(0, 1)) if name == "all channels" else psd[:, names.index(name)].mean(axis=0)
            real = label == "true continuation"
            axis.plot(freqs, mean, label=label, color="black" if real else None, linewidth=2 if real else 1)
            axis.set(title=name, xlabel="frequency (Hz)")
    axes[0, 0].set_ylabel("dB over 1 uV$^2$/Hz")
    axes[0, -1].legend(fontsize="small")
    _save(figure, path)


def plot_traces(comparison: Comparison, path: Path, item: int = 0) -> None:
    """One prompt's last seconds, followed by the truth and by what each column made of it, side by side."""
    segments = comparison.segments
    series = _series(comparison)
    before, after = (int(s * segments.sampling_rate) for s in TRACE_SECONDS)
    figure, axes = _figure(1, len(series), 3.6 * len(series), 0.32 * len(segments.ch_names) + 1.2)
    step = 6 * segments.prompt[item].std()
    offset = -step * np.arange(len(segments.ch_names))
    past = segments.prompt[item][:, -before:]
    for axis, (label, x) in zip(axes[0], series.items(), strict=True):
        future = x[item][:, :after]
        axis.plot(
            np.arange(-past.shape[1], 0) / segments.sampling_rate,
            past.T + offset,
            color="gray",
            linewidth=0.5,
        )
        axis.plot(np.arange(future.shape[1]) / segments.sampling_rate, future.T + offset, color="C0", linewidth=0.5)
        axis.axvline(0, color="black", linewidth=0.5)
        axis.set(title=label, xlabel="time (s)", yticks=offset, ylim=(offset[-1] - step, offset[0] + step))
        axis.set_yticklabels(segments.ch_names if axis is axes[0, 0] else [])
    figure.suptitle(f"{segments.subjects[item]}: prompt in gray; {step:.0f} uV between channels")
    _save(figure, path)


def plot_covariances(comparison: Comparison, path: Path) -> None:
    """Mean covariance matrices of every column, each item in units of the true continuation's mean power."""
    series = _series(comparison)
    power = np.trace(covariance(comparison.segments.continuation), axis1=1, axis2=2)[:, None, None]
    n_chans = len(comparison.segments.ch_names)
    means = {label: n_chans * (covariance(x) / power).mean(axis=0) for label, x in series.items()}
    limit = np.abs(means["true continuation"]).max()
    figure, axes = _figure(1, len(means), 2.8 * len(means), 3.2)
    for axis, (label, mean) in zip(axes[0], means.items(), strict=True):
        image = axis.imshow(mean, vmin=-limit, vmax=limit, cmap="RdBu_r")
        axis.set_title(label)
        ticks = range(0, n_chans, max(1, n_chans // 10))
        names = [comparison.segments.ch_names[i] for i in ticks]
        axis.set_xticks(ticks, names, rotation=90, fontsize="x-small")
        axis.set_yticks(ticks, names, fontsize="x-small")
    figure.colorbar(image, ax=list(axes[0]), shrink=0.8)
    _save(figure, path)


def _save(figure, path: Path) -> None:
    temporary = path.with_name(path.name + ".part")
    figure.savefig(temporary, dpi=120, format="png")
    temporary.replace(path)
