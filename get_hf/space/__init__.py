# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The Space: a page on which anyone may let GET continue a recording. `app.py` needs the extra `space`."""
