# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""To and from the Hub: models, datasets and Spaces, their cards, and what the Hub answers."""
