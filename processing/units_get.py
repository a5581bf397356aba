# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads units of voltage in all spellings that files and users write."""

import re

#: Prefixes for micro, in lower case and without spaces: the two micro signs of Unicode; the characters that result if
#: these are decoded with the wrong one of UTF-8, Latin-1 and code page 437; and letters that are used in their place.
_MICRO = ("u", "\u00b5", "\u03bc", "\u00c2\u00b5", "\u00ce\u00bc", "\u00e6", "\ufffd", "?", "mu", "mk", "micro", "mc")
_VOLTS = {
    f"{prefix}{volt}".lower(): scale
    for prefixes, scale in ((("",), 1.0), (("m", "milli"), 1e-3), (_MICRO, 1e-6), (("n", "nano"), 1e-9))
    for prefix in prefixes
    for volt in ("v", "volt", "volts", "vol")  # "vol" is needed because EDF cuts "microvolts" to 8 characters
} | {"\u043c\u043a\u0432": 1e-6, "\u043c\u0432": 1e-3, "\u0432": 1.0}


def volts_per_unit(unit: str) -> float | None:
    """Returns the number of volts in a unit, which may have any spelling; None if the unit is not a voltage."""
    return _VOLTS.get(re.sub(r"[\s\0.()\[\]]", "", unit).lower().removesuffix("rms"))
