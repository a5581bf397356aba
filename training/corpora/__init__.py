# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Corpora of EEG for training, each with its licence, its splits and its conditions.

    corpus = get_corpus("eegmmidb")
    for recording in corpus.recordings(data_dir, split="train"):
        raw = recording.open()                                    # mne.io.Raw, samples still on disk
        spans = recording.condition_spans(raw)                    # [(onset s, end s, "left_fist"), ...]

A local folder with the corpus comes first; files are downloaded only without one. A new corpus is one `Corpus` in a
module of this folder, listed here. A family of corpora (`files:<glob>`) is one function in `FAMILIES`.
"""

from collections.abc import Callable

from .bids import bids_corpus
from .bonn import BONN
from .chb_mit import CHB_MIT
from .corpus import Corpus, CorpusUnavailableError, Recording
from .eegmat import EEGMAT
from .eegmmidb import EEGMMIDB
from .files import files_corpus
from .moabb_sets import MOABB_CORPORA, moabb_corpus
from .siena import SIENA
from .sleep_edf import SLEEP_EDF
from .tuh import tuh_corpus

__all__ = ["CORPORA", "FAMILIES", "Corpus", "CorpusUnavailableError", "Recording", "get_corpus"]

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus for corpus in [EEGMMIDB, CHB_MIT, SIENA, EEGMAT, SLEEP_EDF, BONN, *MOABB_CORPORA]
}

#: Functions that make a corpus from the text after the colon.
FAMILIES: dict[str, Callable[[str], Corpus]] = {
    "files": files_corpus,
    "tuh": tuh_corpus,
    "moabb": moabb_corpus,
    "bids": bids_corpus,
}


def get_corpus(spec: str) -> Corpus:
    """Looks up a corpus by name, or makes one of a family such as `files:/data/*.edf`.

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
