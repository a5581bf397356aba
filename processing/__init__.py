# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The signal: from a recording to what GET reads, and back.

This room is copied flat next to the weights on the Hub, so it must stand alone: it imports numpy, scipy,
torch, transformers and its own siblings (``from .sibling import name``), mne only where a ``try``
catches its absence, never get_hf, modeling or training.
"""
