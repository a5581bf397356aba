# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Live EEG: a virtual amplifier, which sends generated EEG at the pace of the clock.

`source` generates in a thread, `amplifier` keeps time, `noise` adds what an amplifier and the mains add, `lsl` sends
over the Lab Streaming Layer, and `commands` reads which condition comes next.
"""
