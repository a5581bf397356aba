# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Other people's words in GET's: events that name one of its conditions, licences that allow publishing."""

import re

#: GET's condition for what an event is called, capitals, spaces and punctuation left out. Only names that can mean
#: nothing else: "open" alone may be a hand, "T1" is whatever the experimenter says.
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

#: Licences, in capitals and hyphens, that allow changing the data and sharing the outcome: CC0, PDDL, CC BY (with or
#: without NC and SA, never ND) and ODC-By. Whatever says more than that is for a person to read.
_OPEN = re.compile(
    r"(CC-?0|CC-ZERO|PDDL|ODC-BY|(CC-BY|CREATIVE-COMMONS-ATTRIBUTION)(-(NC|SA|NON-?COMMERCIAL|SHARE-?ALIKE))*"
    r"|HTTPS?-CREATIVECOMMONS-ORG-(PUBLICDOMAIN-ZERO|LICENSES-BY(-(NC|SA))*))"
    r"(-V?\d+)*(-INTERNATIONAL|-UNIVERSAL)?(-LICEN[CS]E)?"
)


def condition_of(name: str) -> str | None:
    """GET's condition for an event or state of that name, or None where the name means none for sure."""
    return _CONDITIONS.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def allows_sharing(licence: str) -> bool:
    """Whether a licence, by its usual short name or its address, clearly allows publishing what is derived."""
    return bool(_OPEN.fullmatch(re.sub(r"[^A-Z0-9]+", "-", licence.upper()).strip("-")))
