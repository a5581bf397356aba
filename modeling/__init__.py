# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The network of GET.

This folder is copied flat next to the weights on the Hub, so it must stand alone. It imports torch, numpy,
transformers and its own modules (``from .sibling import name``), never get_hf, processing or training.
"""
