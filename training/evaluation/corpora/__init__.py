# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The evaluation on any corpus, and on several corpora side by side."""
