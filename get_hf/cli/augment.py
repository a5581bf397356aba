# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf augment`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from get_hf.augmentation import augment as augmented
from get_hf.cli.checkpoint import Checkpoint, Device, load
from get_hf.cli.console import stderr, stdout
from get_hf.outputs import check_file
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.files import written_whole
from get_hf.processing.loading import load_recording

if TYPE_CHECKING:
    import mne

#: Suffix of epochs, as MNE names them.
SUFFIX = "-epo.fif"


def augment(
    epochs: Annotated[Path, typer.Argument(metavar="EPOCHS", help="Trials, whose events name the classes: -epo.fif.")],
    n: Annotated[int, typer.Option("--n", help="Trials to generate for each class.", min=1, max=100_000)],
    out: Annotated[Path, typer.Option(help="File to write: -epo.fif.")],
    rest: Annotated[
        Path | None,
        typer.Option(
            help="Rest of the same person, -epo.fif or a recording; without it, what precedes the trials goes on."
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=CONDITION", help="Condition of a class, where they differ in name; once for each class."
        ),
    ] = None,
    prompt_condition: Annotated[str, typer.Option(help="Condition of what precedes the trials.")] = "rest",
    checkpoint: Checkpoint = str(CHECKPOINT),
    seed: Annotated[int, typer.Option(help="The same seed gives the same trials.", min=0, max=2**63 - 1)] = 0,
    device: Device = "cpu",
) -> None:
    """Generate labelled trials to train a decoder with, from trials, or from rest with a cue.

    The file holds the generated trials alone, with the classes, channels and times of EPOCHS.
    """
    if not str(out).endswith(SUFFIX):
        raise ValueError(f"--out {out} must end in {SUFFIX}, as MNE names epochs.")
    check_file(out, (".fif",))
    if epochs.exists() and out.exists() and epochs.samefile(out):
        raise ValueError(f"--out {out} would replace the trials themselves: choose another name.")
    conditions = _conditions(condition or [])
    recorded = _read_epochs(epochs)
    at_rest = None
    if rest is not None:
        at_rest = _read_epochs(rest) if str(rest).endswith(SUFFIX) else load_recording(rest)
    pretrained = load(checkpoint, device)
    with stderr.status("Generating"):
        made = augmented(recorded, n, at_rest, conditions or None, prompt_condition, pretrained, seed)
    with written_whole(out) as file:
        made.save(file, verbose="ERROR")
    stdout.print(out, style="bold")
    stdout.print(", ".join(f"{len(made[name])} {name}" for name in made.event_id), markup=False)


def _conditions(entries: list[str]) -> dict[str, str]:
    """The conditions that `--condition` lists, by class."""
    conditions = {}
    for entry in entries:
        name, equals, condition = entry.partition("=")
        if not (name and equals and condition):
            raise ValueError(f"--condition has {entry!r}, which is not CLASS=CONDITION: write it as T1=left_fist.")
        conditions[name] = condition
    return conditions


def _read_epochs(path: Path) -> "mne.BaseEpochs":
    """Reads a file of epochs."""
    import mne

    if not path.is_file():
        raise FileNotFoundError(f"There is no file of epochs at {path}.")
    try:
        return mne.read_epochs(path, verbose="ERROR")
    except Exception as error:  # MNE has many errors for a damaged file
        raise ValueError(f"{path} cannot be read as epochs: write it by the save() of mne.Epochs.") from error
