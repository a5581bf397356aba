# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The data sets of MOABB: four have their own names here, and all others are named `moabb:<Dataset>`.

MOABB's `interval` gives the duration of an event. For motor imagery, it is the time from the cue to the end of the
imagery. Subjects have the same names as in MOABB. If MOABB cannot read a person, this person has one recording with
the session `unread`; opening this recording raises an error with the reason.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from .corpus import Corpus, CorpusUnavailableError, Recording
from .eegmmidb import EEGMMIDB
from .full_disk import is_full_disk
from .moabb_reading import Person, moabb_dataset, open_stretch, stretches_of
from .vocabulary import allows_sharing, condition_of

#: Conditions of event names that have this meaning in one data set only.
_CONDITIONS = {"Rodrigues2017": {"closed": "eyes_closed", "open": "eyes_open"}}

#: Begin and end of a trial in seconds, relative to the event, for data sets whose trials were joined without a gap.
_TRIALS = {"Cho2017": (-2.0, 5.0)}

#: Correct channel names for data sets in which MOABB's names are wrong. The channels of 2b are bipolar: one electrode
#: is about 2.5 cm before C3, Cz or C4, and the other is 2.5 cm behind. The places differ slightly between people (Leeb
#: et al. 2007).
_CHANNELS = {"BNCI2014_004": {"C3": "FC3-CP3", "Cz": "FCz-CPz", "C4": "FC4-CP4"}}

#: Data sets that also have a corpus with its own name.
_NAMES = {
    "Rodrigues2017": "alpha-waves",
    "BNCI2014_001": "bnci2014-001",
    "BNCI2014_004": "bnci2014-004",
    "Cho2017": "cho2017",
}

#: Data sets whose names begin with the same one of these words have the same people with the same numbers.
_SAME_PEOPLE = (
    "Castillos",
    "Dreyer2023",
    "ErpCore2021",
    "GuttmannFlury2025",
    "Lee2019",
    "Lee2021Mobile",
    "MAMEM",
    "Shin2017",
)


def moabb_corpus(argument: str) -> Corpus:
    """Returns any data set of MOABB as a corpus; `argument` is the name of its class.

    Raises:
        CorpusUnavailableError: MOABB is not installed.
        ValueError: MOABB has no data set of that name.
    """
    name = f"moabb:{argument}"
    if argument in _NAMES:
        named = next(corpus for corpus in MOABB_CORPORA if corpus.name == _NAMES[argument])
        return replace(named, name=name, find=partial(_find, name, argument))
    dataset = moabb_dataset(argument)
    about = getattr(dataset.metadata, "documentation", None)
    recorded = getattr(dataset.metadata, "acquisition", None)
    licence = getattr(about, "license", None) or "unknown"
    doi = (dataset.doi or "").removeprefix("https://doi.org/")
    return Corpus(
        name=name,
        description=f"MOABB's {argument}: {(type(dataset).__doc__ or argument).strip().splitlines()[0].rstrip('.')}.",
        licence=licence,
        citation=_citation(about, doi) or f"See {argument} in the documentation of MOABB.",
        homepage=getattr(about, "data_url", None) or (f"https://doi.org/{doi}" if doi else ""),
        may_redistribute=allows_sharing(licence),
        obtain=_OBTAIN,
        find=partial(_find, name, argument),
        conditions=_conditions(dataset, argument),
        size=f"{len(dataset.subject_list)} people",
        n_chans=(getattr(recorded, "channel_types", None) or {}).get("eeg"),
        sampling_rate=getattr(recorded, "sampling_rate", None),
        reference=getattr(recorded, "reference", None) or "unknown",
        splits=_EEGMMIDB_SPLITS if argument == "PhysionetMI" else None,
        person=partial(_person, argument),
    )


def _find(name: str, dataset: str, data_dir: Path | None) -> list[Recording]:
    """Lists the recordings; a person who has no valid listing is downloaded and read."""
    if data_dir is not None and not data_dir.is_dir():
        raise CorpusUnavailableError(f"{name}: there is no folder {data_dir} to look in or to download to.")
    own = data_dir / name if data_dir is not None and (data_dir / name).is_dir() else data_dir
    opened = moabb_dataset(dataset)
    conditions = _conditions(opened, dataset)
    recordings: list[Recording] = []
    for subject in tqdm(opened.subject_list, desc=f"listing {name}", unit="person", disable=None, file=sys.stderr):
        person = Person(dataset, subject, own)
        try:
            stretches, files = stretches_of(person, _TRIALS.get(dataset))
        except ValueError as error:
            # if the first person cannot be downloaded, most likely no other can
            is_unavailable = isinstance(error, CorpusUnavailableError) and not recordings
            if is_unavailable or is_full_disk(error):
                raise
            recordings.append(Recording(str(subject), "unread", partial(_say, str(error))))
            continue
        runs = [(stretch.session, stretch.run) for stretch in stretches]
        for index, stretch in enumerate(stretches):
            number = runs[: index + 1].count(runs[index])
            part = f"_{number:03d}" if runs.count(runs[index]) > 1 else ""
            recordings.append(
                Recording(
                    subject=str(subject),
                    session=f"{stretch.session}_{stretch.run}{part}",
                    opener=partial(open_stretch, person, stretch, _CHANNELS.get(dataset, {})),
                    annotation_conditions=conditions,
                    files=files,
                )
            )
    return recordings


def _say(problem: str) -> NoReturn:
    raise ValueError(problem)


def _conditions(dataset: Any, name: str) -> dict[str, str]:
    """Returns GET's condition for each event that has a condition."""
    own = _CONDITIONS.get(name, {})
    found = {event: own.get(event, condition_of(event)) for event in dataset.event_id}
    return {event: condition for event, condition in found.items() if condition is not None}


def _person(dataset: str, subject: str) -> str:
    if dataset == "PhysionetMI":
        return EEGMMIDB.person_of(f"S{int(subject):03d}")
    if dataset in _NAMES:
        return f"{_NAMES[dataset]}/{subject}"
    group = next((start for start in _SAME_PEOPLE if dataset.startswith(start)), dataset)
    return f"moabb:{group}/{subject}"


def _citation(about: Any, doi: str) -> str:
    people = list(getattr(about, "investigators", None) or ())
    authors = ", ".join(people[:3]) + (" et al." if len(people) > 3 else "")
    year = getattr(about, "publication_year", None)
    return ", ".join(part for part in (f"{authors} ({year})" if authors else "", f"doi:{doi}" if doi else "") if part)


#: Subjects of EEGMMIDB's splits, with MOABB's numbers.
_EEGMMIDB_SPLITS = {
    split: tuple(str(int(subject[1:])) for subject in subjects) for split, subjects in (EEGMMIDB.splits or {}).items()
}

_OBTAIN = (
    "MOABB downloads it person by person to where MNE keeps data sets (its setting MNE_DATA), or to the folder you "
    "name; it must hold MOABB's MNE-...-data."
)


def _named(dataset: str, **about: Any) -> Corpus:
    name = _NAMES[dataset]
    return Corpus(
        name=name, obtain=_OBTAIN, find=partial(_find, name, dataset), person=partial(_person, dataset), **about
    )


MOABB_CORPORA = [
    _named(
        "Rodrigues2017",
        description="Alpha waves: ten blocks of ten seconds, eyes closed and open in turn (MOABB Rodrigues2017).",
        licence="CC-BY-4.0",
        citation=(
            "Cattan, Rodrigues and Congedo (2018), EEG Alpha Waves dataset, GIPSA-lab research report, "
            "https://hal.science/hal-02086581."
        ),
        homepage="https://doi.org/10.5281/zenodo.2348891",
        may_redistribute=True,
        conditions={"closed": "eyes_closed", "open": "eyes_open"},
        size="19 people, 19 recordings",
        n_chans=16,
        sampling_rate=512.0,
        reference="right earlobe",
    ),
    _named(
        "BNCI2014_001",
        description="BCI Competition IV data set 2a: imagery of hands, feet and tongue (MOABB BNCI2014_001).",
        licence="CC-BY-ND-4.0",
        citation=(
            "Tangermann et al. (2012), Review of the BCI Competition IV, Frontiers in Neuroscience 6:55; Brunner et "
            "al. (2008), BCI Competition 2008 - Graz data set A."
        ),
        homepage="https://bnci-horizon-2020.eu/database/data-sets",
        may_redistribute=False,
        conditions={
            "left_hand": "left_fist",
            "right_hand": "right_fist",
            "feet": "feet",
            "tongue": "tongue",
        },
        size="9 people, 108 recordings",
        n_chans=22,
        sampling_rate=250.0,
        reference="left mastoid",
    ),
    _named(
        "BNCI2014_004",
        description="BCI Competition IV data set 2b: imagery of either hand, three channels (MOABB BNCI2014_004).",
        licence="CC-BY-ND-4.0",
        citation=(
            "Leeb et al. (2007), Brain-computer communication: motivation, aim, and impact of exploring a virtual "
            "apartment, IEEE Transactions on Neural Systems and Rehabilitation Engineering 15(4)."
        ),
        homepage="https://bnci-horizon-2020.eu/database/data-sets",
        may_redistribute=False,
        conditions={"left_hand": "left_fist", "right_hand": "right_fist"},
        size="9 people, 45 recordings",
        n_chans=3,
        sampling_rate=250.0,
        reference="bipolar",
    ),
    _named(
        "Cho2017",
        description="Imagery of either hand, in trials of seven seconds (MOABB Cho2017).",
        licence="CC-BY-4.0",
        citation=(
            "Cho et al. (2017), EEG datasets for motor imagery brain-computer interface, GigaScience 6(7), "
            "https://doi.org/10.1093/gigascience/gix034."
        ),
        homepage="https://doi.org/10.5524/100295",
        may_redistribute=True,
        conditions={"left_hand": "left_fist", "right_hand": "right_fist"},
        size="52 people, 200 or 240 recordings of 7 s each",
        n_chans=64,
        sampling_rate=512.0,
        reference="CMS/DRL (BioSemi)",
    ),
]
