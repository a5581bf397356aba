# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Translates other vocabularies into GET's: events that name a condition, licences that allow publishing."""

import re

#: GET's condition for the name of an event, in lower case without spaces and punctuation. Only names with one possible
#: meaning: "open" alone may be a hand, and "T1" means something else in each experiment.
_CONDITIONS = {
    "rest": "rest",
    "eyesopen": "eyes_open",
    "openeyes": "eyes_open",
    "eyesclosed": "eyes_closed",
    "closedeyes": "eyes_closed",
    "lefthand": "left_fist",
    "leftfist": "left_fist",
    "righthand": "right_fist",
    "rightfist": "right_fist",
    "hands": "both_fists",
    "bothhand": "both_fists",
    "bothhands": "both_fists",
    "bothfists": "both_fists",
    "feet": "feet",
    "bothfeet": "feet",
    "tongue": "tongue",
    "seizure": "seizure",
}

#: Licences, in capitals and hyphens, that allow changing the data and sharing the result: CC0, PDDL, CC BY (with or
#: without NC and SA, never ND) and ODC-By. A person must read any longer text.
_OPEN = re.compile(
    r"(CC-?0|CC-ZERO|PDDL|ODC-BY|(CC-BY|CREATIVE-COMMONS-ATTRIBUTION)(-(NC|SA|NON-?COMMERCIAL|SHARE-?ALIKE))*"
    r"|HTTPS?-CREATIVECOMMONS-ORG-(PUBLICDOMAIN-ZERO|LICENSES-BY(-(NC|SA))*))"
    r"(-V?\d+)*(-INTERNATIONAL|-UNIVERSAL)?(-LICEN[CS]E)?"
)


def condition_of(name: str) -> str | None:
    """GET's condition for an event or state with this name, or None if the name does not clearly mean one."""
    return _CONDITIONS.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def allows_sharing(licence: str) -> bool:
    """Whether a licence, given as its usual short name or address, clearly allows publishing derived data."""
    return bool(_OPEN.fullmatch(re.sub(r"[^A-Z0-9]+", "-", licence.upper()).strip("-")))
