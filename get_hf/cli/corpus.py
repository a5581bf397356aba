# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf corpus`, which lists EEG corpora for training and converts them to datasets, here or on the Hub."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub.utils import disable_progress_bars
from rich.table import Column, Table

from get_hf.cli.console import bar, columns, interruption, print_folded, require_extra, stderr, stdout

#: For each family of corpora, the part of the name that follows the colon.
ARGUMENTS = {"files": "<glob>", "moabb": "<Dataset>", "bids": "<folder>", "tuh": "<folder>"}

app = typer.Typer(no_args_is_help=True, help="List, prepare and publish the EEG to train on.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="What `get-hf corpus prepare` wrote.")]


@app.command("list")
def list_() -> None:
    """List the corpora: licence, people, channels, rate, and whether the licence allows sharing them."""
    from get_hf.training.corpora import CORPORA, FAMILIES

    table = columns("name", "what", "licence", "people", "chans", "Hz", "share", right=("people", "chans", "Hz"))
    table.columns[0].no_wrap = True
    for name, corpus in sorted(CORPORA.items()):
        people = re.match(r"[\d,]+(?= people)", corpus.size)
        facts = (people and people[0], corpus.n_chans, corpus.sampling_rate and f"{corpus.sampling_rate:g}")
        share = "yes" if corpus.may_redistribute else "no"
        table.add_row(
            name, _short(corpus.description), _short(corpus.licence), *(str(fact or "-") for fact in facts), share
        )
    for name, make in sorted(FAMILIES.items()):
        table.add_row(
            f"{name}:{ARGUMENTS.get(name, '<...>')}", _short(make.__doc__ or ""), "its own", "-", "-", "-", "-"
        )
    print_folded(table)
    stderr.print("get-hf corpus info NAME tells more; get-hf corpus prepare NAME --out DIR makes a dataset.")


def _short(text: str) -> str:
    """Returns the start of a text, without the details that `info` shows."""
    return " ".join(re.split(r"[.:;]\s|\s\(", text, maxsplit=1)[0].rstrip(".").split())


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name of a corpus, such as eegmmidb or files:/data/*.edf.")],
) -> None:
    """Tell all about a corpus."""
    from get_hf.training.corpora import get_corpus

    corpus = get_corpus(name)
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for label, text in _facts(corpus):
        table.add_row(label, text)
    print_folded(table)


def _facts(corpus) -> Iterator[tuple[str, str]]:
    """Yields a label and a text for each fact about a `Corpus`, which is an entry of the registry."""
    rate, n_chans = corpus.sampling_rate, corpus.n_chans
    yield "name", corpus.name
    yield "what", corpus.description
    yield "licence", corpus.licence
    yield "may be shared", "yes" if corpus.may_redistribute else "no: prepare it where it is used, do not publish it"
    yield "cite", corpus.citation or "-"
    yield "homepage", corpus.homepage or "-"
    yield "size", corpus.size
    yield "channels", "not the same in all recordings" if n_chans is None else str(n_chans)
    yield "rate", "not the same in all recordings" if rate is None else f"{rate:g} Hz"
    yield "reference", corpus.reference
    for number, (own, condition) in enumerate(corpus.conditions.items()):
        yield "" if number else "conditions", f"{own} is {condition}"
    if not corpus.conditions:
        yield "conditions", "none, or those its annotations name"
    splits = {split: len(subjects) for split, subjects in (corpus.splits or {}).items()}
    yield "subjects", ", ".join(f"{split} {count}" for split, count in splits.items()) or "all for training"
    yield "to get it", corpus.obtain


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="Name of a corpus; `get-hf corpus list` has them.")],
    out: Annotated[Path, typer.Option(help="Folder to create.")],
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder that holds the recordings.", show_default="MNE's own, filled by downloading"),
    ] = None,
    num_proc: Annotated[
        int | None, typer.Option(help="How many processes clean recordings.", min=1, show_default="1")
    ] = None,
) -> None:
    """Make a dataset of a corpus: cleaned segments in Parquet, with a card."""
    if data_dir is not None and not data_dir.is_dir():
        raise FileNotFoundError(f"There is no folder {data_dir}.")
    with _training(lambda: _kept(out)):
        from get_hf.training.data.prepared import prepare as build

        with bar("Preparing", "recordings") as progress:
            prepared = build(name, out, data_dir, num_proc, progress=progress)
    print_folded(_built(prepared))
    if prepared.problems:
        table = columns("subject", "session", "could not be used, because")
        for problem in prepared.problems:
            table.add_row(*problem)
        print_folded(table)
    _write_card(out)
    stdout.print(out, style="bold")


def _kept(out: Path) -> str:
    from get_hf.training.data.prepared import kept

    return kept(out)


def _built(prepared) -> Table:
    """Returns a table with the statistics of each split of a corpus of class `Prepared`."""
    counts = ("subjects", "recordings", "segments")
    table = columns("split", *counts, "hours", "RMS (µV)", right=(*counts, "hours", "RMS (µV)"))
    for split, own in prepared.statistics.items():
        typical = "-" if own["microvolts"] is None else f"{own['microvolts']:.1f}"
        table.add_row(split, *(f"{own[count]:,}" for count in counts), f"{own['hours']:.2f}", typical)
    return table


@app.command()
def card(folder: Folder) -> None:
    """Write the card of a prepared corpus again: README.md and spectra.png."""
    _write_card(folder)
    stdout.print(folder / "README.md", style="bold")


def _write_card(folder: Path) -> None:
    with _training(f"{folder} has no new card; get-hf corpus card {folder} writes it"):
        from get_hf.training.data.card import card as write

        with bar("Measuring", "segments") as progress:
            write(folder, progress)


@app.command()
def push(
    folder: Folder,
    repo: Annotated[str, typer.Argument(help="OWNER/NAME on the Hub; created if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Only you may see it.")] = False,
) -> None:
    """Publish a prepared corpus on the Hub, if its licence allows that."""
    if not stderr.is_terminal:
        disable_progress_bars()
    with _training("the Hub has all of it or nothing"):
        from get_hf.hub.datasets import push as publish

        address = publish(folder, repo, private)
    stdout.print(address, style="bold")


@contextmanager
def _training(outcome: str | Callable[[], str]) -> Iterator[None]:
    """Context for code that needs the extra "train" and may run so long that a user interrupts it."""
    require_extra("train")
    with interruption(outcome):
        yield
