"""What a site file may say.

The tables below are the single source of the validator, the JSON schema and the documentation,
all on the host. A gateway never imports this file: it loads the image (edge/image.py), which the
host has already validated.

A field is (name, unit, lowest, highest, default, meaning). Default None means that it must be
given. Units "id", "ip", "text", "zone", "tariff", "mode", "version" and "setpoint" are strings,
"schedule", "points" and "peers" lists, everything else an integer.
"""

_W_MAX = 8_000_000  # the beat's arithmetic is proven up to 8 MW

SECTIONS = {
    "site": (
        ("park", "id", None, None, None, "the park's name in topics and stores"),
        ("gateway", "id", None, None, None, "this gateway's name in topics and stores"),
        ("timezone", "zone", None, None, None, "IANA time zone of the tariff, e.g. Asia/Shanghai"),
        ("beat_s", "s", 1, 60, 1, "length of a beat; must divide 60"),
    ),
    "battery": (
        ("capacity_wh", "Wh", 100, 30_000_000, None, "usable energy from 0 to 1000 per mille"),
        ("charge_max_w", "W", 1, _W_MAX, None, "largest charging power"),
        ("discharge_max_w", "W", 1, _W_MAX, None, "largest discharging power"),
        ("efficiency_pm", "pm", 500, 1000, 900, "round-trip efficiency"),
        ("wear_e4", "1e-4/kWh", 0, 100_000, 0, "wear of a kWh discharged, 1e-4 of the currency"),
        ("lease_ms", "ms", 1000, 300_000, 5000, "how long a setpoint lives without a new beat"),
    ),
    "gate": (
        ("charge_max_w", "W", 0, _W_MAX, None, "converter nameplate, charging"),
        ("discharge_max_w", "W", 0, _W_MAX, None, "converter nameplate, discharging"),
        ("soc_floor_pm", "pm", 0, 1000, None, "battery maker's lowest state of charge"),
        ("soc_ceiling_pm", "pm", 0, 1000, None, "battery maker's highest state of charge"),
        ("import_max_w", "W", 0, _W_MAX, None, "transformer or main breaker rating"),
        ("export_max_w", "W", 0, _W_MAX, None, "largest export the connection may ever carry"),
        ("step_max_w", "W", 1, 2 * _W_MAX, None, "largest growth of battery power in one beat"),
        ("age_max_ms", "ms", 500, 600_000, None, "oldest grid or battery power to act upon"),
        ("soc_age_max_ms", "ms", 500, 3_600_000, None, "oldest state of charge to act upon"),
    ),
    "island_gate": (
        ("charge_max_w", "W", 0, _W_MAX, None, "converter nameplate, charging in an island"),
        ("discharge_max_w", "W", 0, _W_MAX, None, "converter nameplate, discharging in an island"),
        ("soc_floor_pm", "pm", 0, 1000, None, "battery maker's lowest state of charge"),
        ("soc_ceiling_pm", "pm", 0, 1000, None, "battery maker's highest state of charge"),
        ("generator_min_w", "W", 0, _W_MAX, 0, "discharging never pushes the generator below"),
        ("generator_max_w", "W", 0, _W_MAX, 0, "charging never lifts it above: its nameplate"),
        ("step_max_w", "W", 1, 2 * _W_MAX, None, "largest growth of battery power in one beat"),
        ("age_max_ms", "ms", 500, 600_000, None, "oldest switch, generator or battery reading"),
        ("soc_age_max_ms", "ms", 500, 3_600_000, None, "oldest state of charge to act upon"),
    ),
    "ages": (
        ("grid_ms", "ms", 500, 600_000, 5000, "grid meter readings older than this are stale"),
        ("store_ms", "ms", 500, 600_000, 5000, "converter readings older than this are stale"),
        ("soc_ms", "ms", 500, 3_600_000, 60_000, "states of charge older than this are stale"),
        ("pv_ms", "ms", 500, 600_000, 15_000, "PV readings older than this are stale"),
        ("release_s", "s", 0, 3600, 10, "all must be fresh for so long before control resumes"),
    ),
    "demand": (
        ("sliding", "0/1", 0, 1, 0, "1 = the 15-minute window slides every minute"),
    ),
    "tariff": (
        ("file", "tariff", None, None, None, "tariff file, beside the site file or shipped"),
    ),
    "carbon": (
        ("factor", "mg/kWh", 0, 2_000_000, None, "emissions of imported energy"),
        ("source", "text", None, None, None, "who published the factor, and when"),
        ("year", "year", 1990, 2100, None, "the year the factor describes"),
    ),
    "ledger": (
        ("factors", "text", None, None, None, "factor sets, names or files with spaces between"),
        ("head_h", "h", 1, 24, 24, "a signed head of the ledger every so many hours"),
    ),
    "commands": (
        ("lease_max_s", "s", 60, 86_400, 14_400, "no command holds longer than this"),
        ("setpoint_max_s", "s", 10, 3600, 900, "and no setpoint: it must be renewed"),
        ("over_demand", "0/1", 0, 1, 0, "1 = a command may cost a peak; 0 = never"),
        ("root", "text", None, None, "", "public key of who may move keys and limits, 64 digits"),
    ),
    "response": (
        ("events", "times", 1, 4, 2, "demand responses that are kept at a time"),
        ("prep_s", "s", 0, 86_400, 3600, "the battery is filled from so long before one begins"),
        ("lead_s", "s", 0, 900, 60, "its power is there so long before: ramp and converter's lag"),
        ("hold_s", "s", 0, 900, 60, "and stays so long after, as the last point is judged"),
        ("recover_s", "s", 0, 86_400, 3600, "afterwards no charging above the peak for so long"),
        ("import_w", "W", 0, _W_MAX, 0, "what import may come to while charging before and after, "
         "where the month's peak is lower"),
        ("clock_s", "s", 0, 60, 2, "how far the clock may be off: earlier and later by so much"),
        ("over_demand", "0/1", 0, 1, 0, "1 = filling a valley may cost a peak; 0 = never"),
    ),
    "plan": (
        ("mode", "mode", None, None, "cost", "cost, carbon, green_first, cap or price_carbon"),
        ("carbon_price", "currency/t", 0, 100_000, 0, "what a tonne of CO2 counts beside the bill"),
        ("profile", "text", None, None, "", "carbon factors over the day; empty = [carbon] factor"),
        ("cap_kg", "kg", 0, 500_000, 0, "mode cap: CO2 of a day's import; 0 = by the standard"),
        ("standard", "text", None, None, "", "file of what a park may emit"),
        ("park_tce", "tce", 0, 1_000_000_000, 0, "energy of the whole park in a year"),
        ("day_kwh", "kWh", 0, 200_000_000, 0, "energy this site uses in a day"),
        ("tally", "0/1", 0, 1, 0, "1 = tell daily what the plan is expected to save"),
    ),
    "announced": (
        ("schedule", "schedule", None, None, "", "weekly loads, kW"),
        ("extra", "0/1", 0, 1, 0, "1 = the schedule comes on top of the remembered load"),
        ("confidence_pm", "pm", 1, 1000, 800, "how sure the schedule is"),
        ("raise_w", "W", 0, _W_MAX, 0, "how much a wrong word may raise the peak while it is full"),
        ("local", "0/1", 0, 1, 0, "1 = programs on the gateway may announce loads"),
        ("topic", "0/1", 0, 1, 0, "1 = whoever may publish to the broker may announce loads"),
    ),
    "telemetry": (
        ("period_s", "s", 1, 3600, 15, "a row at least this often; also whenever a bound changes"),
        ("batch_rows", "rows", 1, 240, 60, "rows sent in one message"),
        ("linger_s", "s", 1, 3600, 900, "an unfinished batch is sent after this long"),
        ("flush_s", "s", 1, 3600, 60, "rows are safe from a loss of power after this long"),
    ),
    "broker": (
        ("host", "text", None, None, "", "MQTT broker; empty = keep everything here"),
        ("port", "port", 1, 65535, 1883, "its port"),
        ("user", "text", None, None, "", "user name; empty = none"),
        ("cloud", "cloud", None, None, "plain", "whose it is: a file in edge/clouds; see [cloud]"),
        ("json_s", "s", 0, 3600, 0, "figures in the cloud's JSON this often, and none of our "
         "messages: for where there is no bridge; 0 = never"),
        ("clock", "text", None, None, "", "time server; empty = the broker, or with a cloud the "
         "router"),
        ("version", "version", None, None, "3.1.1", "version of MQTT, 3.1.1 or 5"),
        ("tls", "0/1", 0, 1, 0, "1 = inside TLS, once the clock is set; mostly port 8883"),
        ("ca", "text", None, None, "", "file of the CA whose word on the broker is taken"),
        ("name", "text", None, None, "", "in the broker's certificate; empty = host"),
        ("certificate", "text", None, None, "", "file of the gateway's own certificate"),
        ("trust_puback", "0/1", 0, 1, 0, "1 = the broker's word frees frames: no bridge of ours"),
    ),
    "oneway": (
        ("host", "ip", None, None, None, "inner side of the one-way isolation device"),
        ("port", "port", 1, 65535, 5140, "its UDP port"),
        ("repeats", "times", 1, 4, 3, "each message so often: at once, after a minute, an hour, "
         "a day"),
        ("rate", "B/s", 100, 1_000_000, 4_000, "bytes a second at most"),
    ),
    "iec104": (
        ("ca", "station", 1, 65_534, None, "common address of this station"),
        ("address", "ip", None, None, "127.0.0.1", "this machine's address it is reached by; "
         "127.0.0.1 = from here alone, 0.0.0.0 = by any"),
        ("port", "port", 1, 65_535, 2404, "its TCP port"),
        ("peers", "peers", None, None, "", "the controlling stations that are let in"),
        ("connections", "times", 1, 8, 2, "so many at a time, of which one is told"),
        ("k", "frames", 1, 32, 12, "frames sent that nobody has confirmed, at most"),
        ("w", "frames", 1, 32, 8, "a confirmation after so many received"),
        ("t1_s", "s", 1, 255, 15, "what must be confirmed is, after this long, or the line ends"),
        ("t2_s", "s", 1, 255, 10, "what came is confirmed after this long"),
        ("t3_s", "s", 1, 86_400, 20, "a silent connection is tested after this long"),
        ("points", "points", None, None, "", "what is told: address, name, type, scale, deadband"),
        ("spontaneous_ms", "ms", 100, 600_000, 1000, "changes are told this often"),
        ("cyclic_s", "s", 0, 86_400, 0, "measured values are told this often anyway; 0 = never"),
        ("stamps", "0/1", 0, 1, 1, "1 = changes come with their time"),
        ("local_time", "0/1", 0, 1, 0, "1 = in local time; 0 = in UTC"),
        ("setpoint_ioa", "object", 0, 16_777_215, 0, "address of the battery's setpoint; 0 = none"),
        ("setpoint_type", "setpoint", None, None, "C_SE_NC_1", "short float or scaled"),
        ("setpoint_per", "W", -_W_MAX, _W_MAX, 1000, "one unit of it; below 0: charging is above"),
        ("charge_max_w", "W", 0, _W_MAX, _W_MAX, "no setpoint charges with more"),
        ("discharge_max_w", "W", 0, _W_MAX, _W_MAX, "no setpoint discharges with more"),
        ("control_ioa", "object", 0, 16_777_215, 0, "address of the single command that takes "
         "control (1) and gives it back (0); 0 = setpoints need none"),
        ("select", "0/1", 0, 1, 0, "1 = an order must be selected first"),
        ("select_s", "s", 1, 300, 10, "a selection holds so long"),
        ("lease_s", "s", 1, 86_400, 900, "a setpoint holds so long after it came"),
        ("while_connected", "0/1", 0, 1, 0, "1 = and as long as a connection is started"),
        ("over_demand", "0/1", 0, 1, 0, "1 = a setpoint may cost a peak; 0 = never"),
    ),
    "live": (
        ("period_s", "s", 0, 3600, 0, "what is so now is published this often; 0 = never"),
    ),
    "page": (
        ("port", "port", 0, 65535, 0, "TCP port of the local page, read only; 0 = no page"),
        ("address", "ip", None, None, "127.0.0.1", "this machine's address it is opened by; "
         "127.0.0.1 = from here alone, 0.0.0.0 = by any"),
    ),
}

# One of several batteries: [battery.NAME] and [gate.NAME]. The keys of [gate] are then of all.
FLEET = {
    "battery": SECTIONS["battery"] + (
        ("health_pm", "pm", 1, 1000, 1000, "state of health: how much of the capacity is left"),
        ("duty_pm", "pm", 1, 1000, 1000, "its share of the work, beside what its capacity asks"),
    ),
    "gate": SECTIONS["gate"][:4] + SECTIONS["gate"][6:7],
}
MOST_BATTERIES = 8

# Sections with a default for every key.
OPTIONAL = ("ages", "demand", "plan", "announced", "telemetry", "broker", "live", "page")
SWITCHES = {"live": "period_s", "page": "port"}  # sections that are off while this key is 0
# Only where somebody needs them.
SPECIAL = ("island_gate", "ledger", "oneway", "commands", "iec104", "response")
