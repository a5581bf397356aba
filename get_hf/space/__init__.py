# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Holds the web page, which `get-hf demo` serves on this machine and `get-hf push-space` publishes as a Space."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads this when it is imported
