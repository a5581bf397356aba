# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Real innovations taken apart: what must innovations carry, so that EEG made of them passes as real?

The innovations of what really followed a prompt are changed in one way at a time, and sent through the filters of the
prompt. What a change costs is what the changed property is worth. The judges are those that chose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from get_hf.processing.files import written_whole
from get_hf.training.evaluation.recordings import SAMPLING_RATE, Segments
from get_hf.training.evaluation.rows.only_report.independent import independent_rows
from get_hf.training.evaluation.rows.only_report.log_covariance import log_covariance_row
from get_hf.training.evaluation.table import FLOOR, Rows, number

from .baselines import amplitudes, blocks_in_random_order, with_amplitudes
from .filters import PromptFilters

#: Names of the rows of the three judges, and of the columns.
JUDGES = {
    "AUC independent, logistic": "logistic",
    "AUC independent, boosting": "boosting",
    "AUC log covariance": "log covariance",
}
#: A change of the innovations of the future `(channels, patches, patch_size)`, given those of the prompt.
Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def _signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def _sign_per_second(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = round(SAMPLING_RATE / real.shape[-1])
    signs = _signs(rng, -(-real.shape[1] // n)).repeat(n)[: real.shape[1]]
    return real * signs[:, None]


#: What becomes of the real innovations, from whole to taken apart.
CHANGES: dict[str, Change] = {
    "the real ones of the future": lambda real, prompt, rng: real,
    "the prompt's own, blocks of 2 s in random order (replay)": lambda real, prompt, rng: blocks_in_random_order(
        prompt, real.shape[1], rng
    ),
    "real, blocks of 1 s in random order": lambda real, prompt, rng: blocks_in_random_order(
        real, real.shape[1], rng, 1.0
    ),
    "real, one random sign per second for all channels": lambda real, prompt, rng: _sign_per_second(real, rng),
    "real, patches in random order": lambda real, prompt, rng: real[:, rng.permutation(real.shape[1])],
    "real, in order, one random sign per patch for all channels": lambda real, prompt, rng: (
        real * _signs(rng, real.shape[1], 1)
    ),
    "real, one random sign per coefficient and patch for all channels": lambda real, prompt, rng: (
        real * _signs(rng, *real.shape[1:])
    ),
    "real magnitudes, all signs random": lambda real, prompt, rng: real * _signs(rng, *real.shape),
    "real amplitudes per patch, band and channel, else noise": lambda real, prompt, rng: with_amplitudes(rng, real),
    "real, but all amplitudes made equal": lambda real, prompt, rng: real / np.maximum(amplitudes(real), 1e-3),
    "independent noise (white)": lambda real, prompt, rng: rng.standard_normal(real.shape),
}


@dataclass(frozen=True)
class TakenApart:
    """The table of innovations taken apart.

    Attributes:
        rows: For each change, and for `real` and the network, the rows of the judges; see
            `get_hf.training.evaluation.table`.
        n_items: Number of prompts.
        n_people: Number of people.
    """

    rows: dict[str, dict[str, dict]]
    n_items: int
    n_people: int


def take_apart(
    segments: Segments,
    filters: PromptFilters,
    network: Callable | None = None,
    n_bootstrap: int = 100,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> TakenApart:
    """Judges the EEG that the prompt's filters make of real innovations, changed in one way at a time.

    Args:
        segments: Prompts and what really followed, in whole patches.
        filters: Filters of the prompts.
        network: Generator of the checkpoint, as for `compare`, for a row of its own; None: no such row.
        n_bootstrap: Resamples of people for each interval.
        seed: Seed of the changes, the bootstrap and the boosting.
        progress: Called with a line at each step.

    Raises:
        ValueError: The continuations are not in whole patches.
    """
    progress = progress or (lambda line: None)
    progress("filtering")
    features = filters.features(segments.prompt, segments.ch_names, segments.unchanged_conditions)
    own = filters.innovations(features)
    real = filters.of_future(features, segments.prompt, segments.continuation)
    rows = {}

    def judge(name: str, generated: np.ndarray) -> None:
        progress(f"judging: {name}")
        table = Rows(segments.subjects, n_bootstrap, seed, segments.recordings)
        independent_rows(table, segments.continuation, generated, segments.sampling_rate, seed=seed)
        log_covariance_row(table, segments.continuation, generated, segments.sampling_rate)
        rows[name] = table.table

    judge(FLOOR, segments.other)
    for name, change in CHANGES.items():
        rng = np.random.default_rng(seed)
        changed = [change(*pair, rng) for pair in zip(real, own, strict=True)]
        judge(name, filters.decode(changed, features, segments.n_times))
    if network is not None:
        progress("generating")
        made = network(segments.prompt, segments.ch_names, segments.n_times, segments.unchanged_conditions)
        judge("those of the network", made)
    return TakenApart(rows, len(segments.subjects), len(np.unique(segments.subjects)))


def taken_apart_table(found: Mapping[str, TakenApart]) -> str:
    """The table in Markdown: a row for each change, three columns for each corpus (by name)."""
    columns = [(corpus, row, short) for corpus in found for row, short in JUDGES.items()]
    several = len(found) > 1
    heads = [f"{corpus}: {short}" if several else short for corpus, _, short in columns]
    lines = [["innovations sent through the prompt's filters", *heads], ["---"] * (len(heads) + 1)]
    for name in next(iter(found.values())).rows:
        values = [number(found[corpus].rows[name][row]["value"]) for corpus, row, _ in columns]
        lines.append(["none: another real stretch" if name == FLOOR else name, *values])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write_taken_apart(found: Mapping[str, TakenApart], about: Mapping, out_dir: str | Path) -> str:
    """Writes `innovations.json` and `innovations.md`, and returns the text of the latter."""
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    facts = ", ".join(f"{key.replace('_', ' ')} `{value}`" for key, value in about.items() if key != "date")
    amount = "; ".join(f"{name}: {each.n_items} prompts of {each.n_people} people" for name, each in found.items())
    text = "\n".join(
        [
            f"Measured on {about.get('date', 'an unknown day')}: {facts}.",
            "",
            f"{amount}. Innovations of what really followed each prompt, by filters that are fitted to what followed, "
            "were changed in one way at a time and sent through the filters of the prompt. AUC of judges that chose "
            "nothing: 0.5 means that they cannot tell the result from real EEG.",
            "",
            taken_apart_table(found),
        ]
    )
    content = {"about": dict(about), "rows": {name: each.rows for name, each in found.items()}}
    texts: Sequence[tuple[str, str]] = [
        ("innovations.json", json.dumps(content, indent=1, default=float) + "\n"),
        ("innovations.md", "# Innovations taken apart\n\n" + text),
    ]
    for name, written in texts:
        with written_whole(out_dir / name) as beside:
            beside.write_text(written, encoding="utf-8")
    return text
