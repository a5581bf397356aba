# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corpora of EEG for training; each corpus has a licence, splits and conditions.

    corpus = get_corpus("eegmmidb")
    for recording in corpus.recordings(data_dir, split="train"):
        raw = recording.open()                                    # mne.io.Raw, samples not loaded yet
        spans = recording.condition_spans(raw)                    # [(onset s, end s, "left_fist"), ...]

Files are downloaded only if no local folder with the corpus is given. To add a corpus, define one `Corpus` in a module
of this folder and list it here. To add a family of corpora (such as `files:<glob>`), add one function to `FAMILIES`.
"""

from collections.abc import Callable

from .bids import bids_corpus
from .bonn import BONN
from .chb_mit import CHB_MIT
from .corpus import Corpus, CorpusUnavailableError, Recording
from .eegmat import EEGMAT
from .eegmmidb import EEGMMIDB
from .files import files_corpus
from .guinea_bissau import GUINEA_BISSAU
from .mi_openbci import MI_OPENBCI
from .moabb_sets import MOABB_CORPORA, moabb_corpus
from .muse_sequence import MUSE_SEQUENCE
from .siena import SIENA
from .sleep_edf import SLEEP_EDF
from .tuh import tuh_corpus

__all__ = ["CORPORA", "FAMILIES", "Corpus", "CorpusUnavailableError", "Recording", "get_corpus"]

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in [
        EEGMMIDB,
        CHB_MIT,
        SIENA,
        EEGMAT,
        SLEEP_EDF,
        BONN,
        MI_OPENBCI,
        GUINEA_BISSAU,
        MUSE_SEQUENCE,
        *MOABB_CORPORA,
    ]
}

#: Functions that return a corpus; each function gets the text after the colon.
FAMILIES: dict[str, Callable[[str], Corpus]] = {
    "files": files_corpus,
    "tuh": tuh_corpus,
    "moabb": moabb_corpus,
    "bids": bids_corpus,
}


def get_corpus(spec: str) -> Corpus:
    """Returns the corpus with a name, or the corpus of a family such as `files:/data/*.edf`.

    Raises:
        ValueError: No corpus has that name; the message lists the known names.
    """
    family, colon, argument = spec.partition(":")
    if colon and argument and family in FAMILIES:
        return FAMILIES[family](argument)
    if spec in CORPORA:
        return CORPORA[spec]
    known = [*sorted(CORPORA), *(f"{name}:<...>" for name in sorted(FAMILIES))]
    raise ValueError(f"There is no corpus {spec!r}; there are {', '.join(known)}.")
