# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The network of GET.

This room is copied flat next to the weights on the Hub, so it must stand alone: it imports torch, numpy,
transformers and its own siblings (``from .sibling import name``), never get_hf, processing or training.
"""
