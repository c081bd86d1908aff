"""Schema 128: the rows of edge/journal.py."""

from edge.wire.row_encoder import ALIKE, CARRY, LINKED, NOTED, STAY, TICKS, TIME

SCHEMA = bytes((
    128,
    # field, kind, a, b, of_a, of_b, first, start, level
    1, TIME, 0, 0, 128, 128, 15, 1, 16,  # second
    0, CARRY, 1, 0, 128, 128, 10, 10, 16,  # day
    2, TICKS, 1, 0, 128, 128, 26, 5, 64,  # now_ms
    3, STAY, 0, 0, 128, 128, 8, 1, 32,  # flags
    6, NOTED, 0, 0, 128, 128, 15, 0, 96,  # pv_w
    8, NOTED, 0, 0, 128, 128, 15, 0, 128,  # store_w
    4, LINKED, 6, 8, 64, 64, 16, 0, 176,  # grid_w
    14, LINKED, 4, 8, 191, 191, 16, 0, 96,  # net_w
    5, STAY, 0, 0, 128, 128, 9, 1, 144,  # grid_age_ms
    7, STAY, 0, 0, 128, 128, 9, 1, 96,  # pv_age_ms
    9, STAY, 0, 0, 128, 128, 9, 1, 144,  # store_age_ms
    11, STAY, 0, 0, 128, 128, 9, 1, 144,  # soc_age_ms
    10, STAY, 0, 0, 128, 128, 9, 1, 32,  # soc_pm
    12, STAY, 0, 0, 128, 128, 15, 2, 16,  # charge_max_w
    13, STAY, 0, 0, 128, 128, 15, 2, 16,  # discharge_max_w
    19, LINKED, 8, 14, 180, 134, 15, 0, 128,  # chosen_w
    15, LINKED, 19, 14, 192, 134, 15, 0, 128,  # lo_w
    16, STAY, 0, 0, 128, 128, 3, 1, 32,  # lo_by
    17, LINKED, 19, 15, 192, 134, 15, 0, 128,  # hi_w
    18, STAY, 0, 0, 128, 128, 3, 1, 32,  # hi_by
    20, ALIKE, 19, 0, 172, 128, 8, 0, 128,  # command_w
    21, STAY, 0, 0, 128, 128, 3, 1, 16,  # verdict
    22, STAY, 0, 0, 128, 128, 16, 1, 64,  # target_w
    23, STAY, 0, 0, 128, 128, 16, 1, 128,  # hold_w
    24, STAY, 0, 0, 128, 128, 16, 1, 112,  # demand_w
    25, STAY, 0, 0, 128, 128, 16, 1, 32,  # peak_w
    26, STAY, 0, 0, 128, 128, 10, 1, 16,  # price_e4
    28, NOTED, 0, 0, 128, 128, 9, 1, 112,  # import_wh
    27, CARRY, 28, 0, 128, 128, 20, 0, 16,  # import_kwh
    30, NOTED, 0, 0, 128, 128, 9, 1, 32,  # export_wh
    29, CARRY, 30, 0, 128, 128, 18, 0, 16,  # export_kwh
    32, STAY, 0, 0, 128, 128, 9, 1, 112,  # carbon_g
    31, CARRY, 32, 0, 128, 128, 18, 0, 16,  # carbon_kg
    34, STAY, 0, 0, 128, 128, 12, 1, 128,  # cost_e4
    33, CARRY, 34, 0, 128, 128, 18, 0, 16,  # cost_units
))
