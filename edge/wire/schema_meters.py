"""Schema 129: a metering point with a battery and PV, three phases, eighteen fields."""

from edge.compat import const

# Kinds of edge/wire/row_encoder.py.
_STAY = const(0)
_NOTED = const(1)
_LINKED = const(2)
_ALIKE = const(3)
_TIME = const(4)
_IMPORT = const(5)
_EXPORT = const(6)
_RATIO = const(8)

FIELDS = ("day", "second", "grid_w", "battery_w", "soc_pm", "pv_w", "v1_dv", "v2_dv", "v3_dv",
          "i1_da", "i2_da", "i3_da", "freq_mhz", "import_wh", "export_wh", "co2_g", "temp_dc",
          "state")
SCHEMA = bytes((
    129,
    # field, kind, a, b, of_a, of_b, first, start, level
    1, _TIME, 0, 0, 128, 128, 15, 1, 16,
    0, _STAY, 0, 0, 128, 128, 10, 10, 16,
    3, _STAY, 0, 0, 128, 128, 15, 0, 160,
    5, _NOTED, 0, 0, 128, 128, 15, 0, 144,
    2, _LINKED, 5, 0, 64, 128, 16, 0, 207,
    4, _STAY, 0, 0, 128, 128, 9, 1, 20,
    6, _NOTED, 0, 0, 128, 128, 5, 72, 89,
    7, _ALIKE, 6, 0, 148, 128, 3, 0, 80,
    8, _ALIKE, 7, 6, 141, 141, 3, 0, 80,
    9, _NOTED, 0, 0, 128, 128, 10, 0, 143,
    10, _ALIKE, 9, 0, 188, 128, 6, 0, 127,
    11, _ALIKE, 10, 9, 158, 158, 6, 0, 121,
    12, _STAY, 0, 0, 128, 128, 8, 195, 105,
    13, _IMPORT, 2, 1, 128, 128, 25, 0, 80,
    14, _EXPORT, 2, 1, 128, 128, 25, 0, 64,
    15, _RATIO, 13, 0, 128, 202, 25, 0, 64,
    16, _STAY, 0, 0, 128, 128, 8, 0, 64,
    17, _STAY, 0, 0, 128, 128, 13, 1, 20,
))
