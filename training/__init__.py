# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Making weights: corpora, datasets, pretraining, fine-tuning, evaluation and calibration.

This room never travels with the weights. It may import get_hf.modeling, get_hf.processing and everything that
``pip install "get-hf[train]"`` brings. Nothing outside imports it, except inside the functions that need it.
"""
