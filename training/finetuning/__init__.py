# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a pretrained checkpoint on labelled EEG: `run.finetune` trains and evaluates classifiers by a recipe."""
