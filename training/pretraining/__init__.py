# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pretraining: recipes, sources, crops, streams, optimisers, and the training run."""
