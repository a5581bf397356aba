# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Fine-tuning of a pretrained checkpoint on labelled EEG."""
