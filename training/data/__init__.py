# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts corpora to datasets: segments, prepared folders, splits, cards and spectra."""
