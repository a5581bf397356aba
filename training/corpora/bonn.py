# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bonn: 500 single-channel segments of 23.6 seconds, the oldest benchmark of seizure detection.

Sets A (files Z001 to Z100, eyes open) and B (O, eyes closed) are scalp EEG of five volunteers. Sets C (N), D (F) and
E (S, seizures) were recorded with electrodes inside the brains of five patients. A segment is a text file with 4,097
lines, and each line is a whole number of microvolts. The person and the electrode of a segment were never published.
This has two consequences here:

- The channel of every segment is called Cz. This name is only a PLACEHOLDER: the model needs a position, and the
  vertex is as good as any other. The corpus has no positions on the head, and C, D and E were not recorded on the
  scalp.
- All volunteers count as one person, and all patients count as another person. So a group is never divided between
  training and test, because the same person could then be in both.
"""

from functools import partial
from pathlib import Path

import mne
import numpy as np

from .corpus import Corpus, CorpusUnavailableError, Recording

#: Sampling rate in Hz, and number of samples in a segment.
RATE = 173.61
N_TIMES = 4097
#: Set and condition for each first letter of a segment's file name; EEG between seizures has no condition.
_SETS = {"Z": ("A", "eyes_open"), "O": ("B", "eyes_closed"), "N": ("C", None), "F": ("D", None), "S": ("E", "seizure")}
_SEGMENT = "[ZONFSzonfs][0-9][0-9][0-9].[tT][xX][tT]"


def _find(data_dir: Path | None) -> list[Recording]:
    if data_dir is not None:
        for folder in (data_dir, data_dir / "bonn"):
            # the files are in five folders with any names (Z, A_Z, set_a), one for each archive, or in one folder
            files = sorted([*folder.glob(_SEGMENT), *folder.glob(f"*/{_SEGMENT}")], key=lambda file: file.stem.upper())
            if files:
                return sorted(map(_recording, files), key=lambda recording: recording.subject)
    raise CorpusUnavailableError(
        f"bonn {f'is not in {data_dir}' if data_dir else 'needs a folder'}, and get-hf cannot download it: fetch "
        f"Z.zip, O.zip, N.zip, F.zip and S.zip from {BONN.homepage}, unpack them in a folder bonn, and pass its "
        "parent folder as data_dir."
    )


def _recording(file: Path) -> Recording:
    letter, condition = _SETS[file.stem[0].upper()]
    return Recording(letter, file.stem.upper(), partial(_open, file), condition, {}, (file,))


def _open(file: Path) -> mne.io.BaseRaw:
    try:
        microvolts = np.array(file.read_text().split(), dtype=np.float64)
    except ValueError:
        raise ValueError(f"{file} is not a segment of Bonn: it holds more than numbers.") from None
    if microvolts.shape != (N_TIMES,):
        raise ValueError(
            f"{file} is cut off or is no segment: it has {microvolts.size:,} numbers and a segment has {N_TIMES:,}."
        )
    return mne.io.RawArray(1e-6 * microvolts[None], mne.create_info(["Cz"], RATE, "eeg"), verbose="ERROR")


def _person(subject: str) -> str:
    return "bonn/volunteers" if subject in "AB" else "bonn/patients"


BONN = Corpus(
    name="bonn",
    description=(
        "Single channels, placed at Cz for want of their true place: A and B scalp EEG of volunteers, C, D and E "
        "from inside the brains of patients with epilepsy, E in seizures."
    ),
    licence="none stated: for research, not to be hosted elsewhere",
    citation=(
        "Andrzejak et al. (2001), Indications of nonlinear deterministic and finite-dimensional structures in time "
        "series of brain electrical activity: dependence on recording region and brain state, Physical Review E 64, "
        "061907."
    ),
    homepage="https://www.upf.edu/web/ntsa/downloads",
    may_redistribute=False,
    obtain="Fetch the five archives from the homepage, unpack them in a folder bonn, and name the folder it lies in.",
    find=_find,
    conditions={
        "set A, Z001 to Z100": "eyes_open",
        "set B, O001 to O100": "eyes_closed",
        "set E, S001 to S100": "seizure",
    },
    size="10 people (two groups of five), 500 segments, 3.3 hours, 10 MB",
    n_chans=1,
    sampling_rate=RATE,
    reference="average of 128 channels, without those that show eye movements or disease",
    person=_person,
)
