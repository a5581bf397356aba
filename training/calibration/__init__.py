# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Calibration: what is measured, and corrected, after training."""
