# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Making weights: corpora, collator, pretraining, fine-tuning and evaluation.

This room never travels with the weights. It may import get_hf.modeling, get_hf.processing and everything that
``pip install "get-hf[train]"`` brings; nothing outside it imports it, except the command that needs it.
"""
