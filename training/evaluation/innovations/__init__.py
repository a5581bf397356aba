# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the innovations of EEG carry: baselines without a network, and real innovations taken apart."""
