# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fine-tuning of a pretrained checkpoint on labelled EEG.

`logistic` fits the linear layer of `GETForSequenceClassification` alone; the Trainer of transformers trains all of it.
"""
