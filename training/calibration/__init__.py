# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Calibration: biases of a trained model are measured and corrected."""
