"""One fixed-size row a beat: flight recorder, telemetry, golden trace and replay input in one.

A row is `array('i')` with the fields below, little-endian 32-bit, each within 31 bits. What the
beat saw comes first, what it decided and why after it; `day` and all from `demand_w` on stand as
they were at the last full minute. So a row alone answers "which rule bound, and what did it
know?", and a file of rows runs through today's code again. edge/recorder.py writes them.

`flags` are those of edge/snapshot.py; of a site that can run without the grid also, from bit 8 on,
two bits of the mode (0 grid, 1 island, 2 return, 3 in doubt), bit 10 when a load is shed and bit 11
when the generator is locked out. Its own signals stand in no row, nor do those of phases,
neighbours, chargers and each of several batteries: a replay takes what such a rule said from its
bound.
"""

VERSION = 1

FIELDS = (
    "day", "second", "now_ms", "flags",
    "grid_w", "grid_age_ms", "pv_w", "pv_age_ms", "store_w", "store_age_ms",
    "soc_pm", "soc_age_ms", "charge_max_w", "discharge_max_w",
    "net_w", "lo_w", "lo_by", "hi_w", "hi_by", "chosen_w", "command_w", "verdict",
    "target_w", "hold_w", "demand_w", "peak_w", "price_e4",
    "import_kwh", "import_wh", "export_kwh", "export_wh",
    "carbon_kg", "carbon_g", "cost_units", "cost_e4",
)
