# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The rows of the evaluation's table, one module for each group."""
