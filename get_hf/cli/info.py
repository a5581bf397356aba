# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf info`."""

from importlib.metadata import version

from rich.table import Table

from get_hf.cli.checkpoint import load
from get_hf.cli.console import stdout
from get_hf.modeling.configuration_get import GETConfig
from get_hf.pretrained import CHECKPOINT, CLASSIFIERS, SHIPPED_CLASSIFIERS


def info() -> None:
    """Show the shipped checkpoint and classifiers, the corpora with their licences, and versions."""
    from get_hf.training.corpora import CORPORA

    model, extractor = load(str(CHECKPOINT))
    config = model.config
    table = Table.grid(padding=(0, 2))
    table.add_row("checkpoint", str(CHECKPOINT))
    table.add_row("parameters", f"{model.num_parameters() / 1e6:.2f} million")
    table.add_row(
        "signal", f"{config.sampling_rate:g} Hz in patches of {config.patch_size / config.sampling_rate:g} s"
    )
    table.add_row("conditions", ", ".join(extractor.vocabulary.heard))
    for name in SHIPPED_CLASSIFIERS:
        if (CLASSIFIERS / name).is_dir():
            told = GETConfig.from_pretrained(CLASSIFIERS / name)
            classes = ", ".join(told.id2label.values())
            table.add_row(f"classifier {name}", f"{classes}; windows of {told.window_seconds:g} s")
            table.add_row("", f"trained on {', '.join(told.training_channels or ['unknown channels'])}")
    table.add_row("licence", "Apache-2.0, code and weights; generated EEG is not for medical use")
    for corpus in CORPORA.values():
        table.add_row(f"corpus {corpus.name}", f"{corpus.licence}, {corpus.homepage}")
        table.add_row("", corpus.citation)
    packages = ("get-hf", "torch", "transformers", "mne", "numpy", "scipy")
    table.add_row("versions", ", ".join(f"{package} {version(package)}" for package in packages))
    stdout.print(table)
