# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The files of the catalogue of bad input that are no EEG, and what the answer to them has to mention."""

SMALL = ["--checkpoint", "checkpoint"]
#: Recordings, and what the answer has to mention.
RECORDINGS = {
    "missing.edf": "no recording at missing.edf",
    "text.edf": "not an EDF or BDF file",
    "text.xyz": "not a recording that can be read",
    "empty.edf": "not an EDF or BDF file",
    "noise.fif": "not a recording that can be read",
    "header.edf": "not an EDF or BDF file",
    "folder": "not a recording that can be read",
    "no_eeg.edf": "no EEG channels",
    "unknown.edf": "Qx9",
    "short.edf": "shorter than one patch",
    "flat.fif": "flat",
    "loud.fif": "microvolts",
    "nan.fif": "NaN",
    "long_name.fif": "16 characters",
}
