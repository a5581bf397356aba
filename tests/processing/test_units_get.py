# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest

from get_hf.processing.units_get import volts_per_unit


@pytest.mark.parametrize(
    ("unit", "volts"),
    [
        ("uV", 1e-6), ("µV", 1e-6), ("μV", 1e-6), ("Âµv", 1e-6), ("UV", 1e-6), ("microVolts", 1e-6), ("мкВ", 1e-6),
        ("microVol", 1e-6), ("millivol", 1e-3), ("[uV]", 1e-6), ("(µV)", 1e-6), ("uV rms", 1e-6), ("uVrms", 1e-6),
        ("mV", 1e-3), ("V", 1.0), ("nV", 1e-9), ("degC", None), ("", None), ("%", None), ("Boolean", None),
    ],
)  # fmt: skip
def test_units_in_every_spelling(unit, volts):
    assert volts_per_unit(unit) == volts
