# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Exchanges models, datasets and Spaces with the Hub, writes their cards, and explains errors of the Hub."""
