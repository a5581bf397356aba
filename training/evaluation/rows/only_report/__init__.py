# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Judges that never choose: no setting, correction or step of GET may be chosen by their rows.

Judges that choose are met in the end, whatever they measure. So some must stay apart, and only report.
"""
