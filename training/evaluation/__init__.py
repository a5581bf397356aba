# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Evaluation: generated EEG beside real EEG and classical baselines, on people outside the training set."""
