# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Live EEG: a virtual amplifier, which sends generated EEG at the pace of the clock, and a listener to EEG.

The amplifier: `source` generates in a thread, `amplifier` keeps time, `noise` adds what an amplifier and the mains
add, `lsl` sends over the Lab Streaming Layer, and `commands` reads which condition comes next.

The listener: `hearing` replays recordings, `lsl` receives streams, and `boards` receives from BrainFlow. `grid` puts
samples on a regular grid, `preparing` cleans them, `judging` asks the models, and `listener` joins all of it. `view`
shows findings, and `writing` writes them.
"""
