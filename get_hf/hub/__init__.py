# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Exchange with the Hub: models, datasets and Spaces, their cards, and the Hub's errors."""
