# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes the card of a prepared corpus, which describes the corpus, its owners, its contents and its use.

    card("out/eegmmidb")          # writes out/eegmmidb/README.md and out/eegmmidb/spectra.png

The description, the owners and the licence are read from the registry of corpora. All numbers in the card are computed
from the prepared data.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from huggingface_hub import DatasetCardData

from get_hf.processing.files import written_whole
from get_hf.training.corpora import Corpus, get_corpus

from .prepared import INFO, Prepared
from .segments import FEATURES
from .spectra import Measured, alpha_of_closing, draw, measure

CARD, PICTURE = "README.md", "spectra.png"
#: Placeholder in the card for the name of the repository; the name is known only when the folder is pushed.
OWN_NAME = "OWNER/NAME"
#: Mark of a card that `card` wrote; the next call of `card` replaces such a card.
MARK = "<!-- made by get-hf corpus card -->"
#: Names of the licences that the Hub knows. For any other licence, the Hub expects "other" with a name and an address.
HUB_LICENCES = {
    *("odc-by", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "mit", "unknown"),
}
#: Meaning of the columns of a segment.
COLUMNS = {
    "signal": "EEG in microvolts, 0.5 to 45 Hz, `(n_chans, n_times)` flattened",
    "ch_names": "names of the channels, as recorded",
    "channel_positions": (
        "`(n_chans, 6)` flattened: where electrode and reference sit on the unit sphere (x right, y front, z up); "
        "0 for a reference that is not one place"
    ),
    "sampling_rate": "Hz",
    "n_chans": "channels",
    "n_times": "samples per channel; 0 in the row of a recording that could not be used",
    "subject": "whose EEG it is; a subject is in one split only",
    "session": "name of the session and run",
    "start": "where in the recording the segment begins, in seconds",
    "corpus": "name of the corpus",
    "conditions": "what the subject did in each patch of 0.25 s, as a number",
    "condition_onsets": "when the condition of each patch began, in seconds from the start of the segment",
    "problem": "what of the recording could not be used, and why; empty where all was",
}
#: Counts for each split.
COUNTS = ("subjects", "recordings", "segments", "hours")
#: Maximum number of problems that the card lists; dataset_info.json lists all problems.
MOST_PROBLEMS = 100


def card(folder: str | Path, progress: Callable[[int, int], None] | None = None) -> str:
    """Measures a prepared corpus and writes its card README.md and the picture spectra.png that the card shows.

    Args:
        folder: Folder that `prepare` wrote.
        progress: Function that is called after each segment with the number of measured segments and the number of all
            segments.

    Returns:
        The text of the card.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: `folder` is not a prepared corpus, holds no samples, or its corpus is not in the registry.
    """
    prepared = read_folder(folder)
    folder, corpus = Path(folder), get_corpus(prepared.corpus)
    measured = measure(prepared, progress)
    text = _front_matter(corpus, prepared, measured) + "\n".join([MARK, *_sections(corpus, prepared, measured)])
    for name, write in {
        PICTURE: lambda path: draw(measured, path),
        CARD: lambda path: path.write_text(text, encoding="utf-8"),
    }.items():
        with written_whole(folder / name) as beside:
            write(beside)
    return text


def read_folder(folder: str | Path) -> Prepared:
    """Reads the description of a prepared corpus in a local folder, not on the Hub.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: The folder is not a prepared corpus.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    return Prepared.read(folder)


def _front_matter(corpus: Corpus, prepared: Prepared, measured: Measured) -> str:
    """Returns the metadata for the Hub: licence, tags, size, and the files of each split."""
    data = DatasetCardData(
        pretty_name=f"{corpus.name}, prepared for GET",
        tags=["eeg", "brain", "biosignals", "neuroscience", "get", *_recorded(measured)],
        task_categories=["time-series-forecasting"],
        size_categories=[_size_category(sum(prepared.splits.values()))],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in prepared.splits],
            }
        ],
        **hub_licence(corpus),
    )
    return f"---\n{data.to_yaml()}\n---\n\n"


def hub_licence(corpus: Corpus) -> dict[str, str]:
    """Returns the licence as the Hub names it: "ODC-By 1.0" is odc-by, and "CC BY 4.0" is cc-by-4.0."""
    name = re.sub(r"[^a-z0-9.]+", "-", corpus.licence.lower()).removesuffix("-international")
    name = {"odc-by-1.0": "odc-by"}.get(name, name)
    if name in HUB_LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": name} | ({"license_link": corpus.homepage} if corpus.homepage else {})


def _recorded(measured: Measured) -> list[str]:
    """Returns the tags for the recorded conditions."""
    kinds = {
        "epilepsy": {"seizure"},
        "motor-imagery": {"left_fist", "right_fist", "both_fists", "feet", "tongue"},
        "resting-state": {"eyes_open", "eyes_closed"},
    }
    return [tag for tag, conditions in kinds.items() if conditions & set(measured.conditions())]


def _size_category(n_rows: int) -> str:
    edges = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}
    return next(name for most, name in edges.items() if n_rows < most)


def _sections(corpus: Corpus, prepared: Prepared, measured: Measured) -> Iterable[str]:
    yield f"# {corpus.name}, prepared for GET\n"
    yield f"{corpus.description}\n"
    yield (
        "One row is a segment of a recording: cleaned (0.5 to 45 Hz), resampled, in microvolts. Made by `get-hf "
        "corpus prepare` of GET-HF, an implementation of [GET](https://arxiv.org/abs/2406.03115), a generative EEG "
        "transformer; not by the owners of the recordings.\n"
    )
    yield "## Licence and citation\n"
    where = f" ([{corpus.homepage}]({corpus.homepage}))" if corpus.homepage else ""
    shared = "may be published under the same licence" if corpus.may_redistribute else "must NOT be published"
    yield f"Licence of the recordings: {corpus.licence}{where}. What is derived from them, as this is, {shared}.\n"
    if corpus.citation:
        yield f"Cite: {corpus.citation}\n"

    yield "## What is in it\n"
    yield _table(("split", *COUNTS, "RMS (µV)"), _statistics(prepared))
    yield "\nRMS is that of a segment, its median over segments.\n"
    yield f"Channels: {_channels(prepared)}. Recorded against: {corpus.reference}.\n"
    yield from _conditions(corpus, prepared, measured)
    yield from _picture(measured)
    yield "## What could not be used\n"
    if prepared.problems:
        yield _table(("subject", "session", "why"), prepared.problems[:MOST_PROBLEMS])
        if more := prepared.problems[MOST_PROBLEMS:]:
            yield f"\nand {len(more)} more, in {INFO}."
    else:
        yield "Everything could be used."
    yield from _loading()


def _statistics(prepared: Prepared) -> Iterable[tuple]:
    """Yields a table row for each split, and a row with the sums if there are several splits."""
    counts = [tuple(own[name] for name in COUNTS) for own in prepared.statistics.values()]
    for (split, own), row in zip(prepared.statistics.items(), counts, strict=True):
        yield split, *row, "-" if own["microvolts"] is None else f"{own['microvolts']:.1f}"
    if len(counts) > 1:
        yield "all", *(sum(column) for column in zip(*counts, strict=True)), ""


def _channels(prepared: Prepared) -> str:
    """Returns a text with the number of channels of the segments and their sampling rate."""
    counts = sorted({count for own in prepared.statistics.values() for count in own["channels"]})
    return f"{counts[0]}{f' to {counts[-1]}' if len(counts) > 1 else ''} at {prepared.sampling_rate:g} Hz"


def _conditions(corpus: Corpus, prepared: Prepared, measured: Measured) -> Iterable[str]:
    rows = []
    for name in measured.conditions():
        low, middle, high = np.quantile(measured.amplitudes[name], (0.05, 0.5, 0.95))
        hours, segments = measured.seconds[name] / 3600, len(measured.amplitudes[name])
        own = "; ".join(event for event, condition in corpus.conditions.items() if condition == name)
        amplitude = f"{middle:.1f} ({low:.1f} to {high:.1f})"
        rows.append((prepared.conditions.index(name), name, hours, segments, amplitude, own))
    yield "## Conditions and amplitudes\n"
    yield (
        "Numbers are those of the column `conditions`; 0 is what no label says. Amplitude is the median absolute one "
        "of the middle channel: its median over segments, and between which values 90 % of segments lie.\n"
    )
    yield _table(("number", "condition", "hours", "segments", "amplitude (µV)", "in the corpus"), rows)


def _picture(measured: Measured) -> Iterable[str]:
    closing = alpha_of_closing(measured)
    more = " Right: how much stronger alpha is with eyes closed than open, medians over segments." if closing else ""
    alt = f"Median power spectra under {', '.join(measured.conditions())}"
    yield f"\n![{alt}]({PICTURE})\n"
    yield (
        "Power spectra (Welch, windows of 2 s inside one condition): of each segment the middle channel, of segments "
        f"the median and, as a band, the quartiles.{more}\n"
    )


def _loading() -> Iterable[str]:
    yield "\n## How to load it\n"
    yield "With `datasets` alone:\n"
    yield (
        "```python\nimport numpy as np\nfrom datasets import load_dataset\n\n"
        f'segments = load_dataset("{OWN_NAME}", split="train", streaming=True)  # or the folder this file is in\n'
        "segment = next(iter(segments))\n"
        'signal = np.reshape(segment["signal"], (segment["n_chans"], segment["n_times"]))  # microvolts\n```\n'
    )
    yield "With GET-HF, to train on:\n"
    yield (
        "```python\nfrom get_hf.training.data.prepared import load_prepared\n\n"
        f'segments = load_prepared("{OWN_NAME}", streaming=True)\n```\n'
    )
    yield _table(("column", "what it is"), [(f"`{name}`", COLUMNS[name]) for name in FEATURES]) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Returns a Markdown table, in which fractions have two decimals."""
    cells = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell).replace("|", "\\|") for cell in r] for r in rows]
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
