# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Finds the condition that an event's name means, and whether a licence's name allows publishing derived data."""

import re

#: GET's condition for each event name, in lower case without spaces and punctuation. Only names with one possible
#: meaning are listed: "open" may refer to a hand, and "T1" has another meaning in each experiment.
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

#: Licences that allow changing the data and sharing the result: CC0, PDDL, CC BY (with or without NC and SA, never ND)
#: and ODC-By. Names are in capitals with hyphens. Longer texts do not match, because a person must read them.
_OPEN = re.compile(
    r"(CC-?0|CC-ZERO|PDDL|ODC-BY|(CC-BY|CREATIVE-COMMONS-ATTRIBUTION)(-(NC|SA|NON-?COMMERCIAL|SHARE-?ALIKE))*"
    r"|HTTPS?-CREATIVECOMMONS-ORG-(PUBLICDOMAIN-ZERO|LICENSES-BY(-(NC|SA))*))"
    r"(-V?\d+)*(-INTERNATIONAL|-UNIVERSAL)?(-LICEN[CS]E)?"
)


def condition_of(name: str) -> str | None:
    """Returns GET's condition for the name of an event or state, or None if the name does not clearly mean one."""
    return _CONDITIONS.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def allows_sharing(licence: str) -> bool:
    """Whether a licence clearly allows publishing derived data; pass its usual short name or its web address."""
    return bool(_OPEN.fullmatch(re.sub(r"[^A-Z0-9]+", "-", licence.upper()).strip("-")))
