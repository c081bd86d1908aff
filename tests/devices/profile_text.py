"""A device profile of our own, to be bent."""

BASE = """
id = "unit_test"
vendor = "nobody"
model = "none"
class = "pcs"
source = ["nobody/nothing@0"]
[link]
tcp = { port = 502, unit = 1 }
[points]
p = [3, 10, "i16", 0.1, "kW"]
e = [3, 20, "u32", 0.01, "MWh"]
soc = [3, 22, "u16", 0.1, "%"]
[writes]
set = [6, 50, "i16", 100, "W"]
watchdog = [6, 60, "u16", 1, "s"]
[sign]
p = "charge"
set = "charge"
[signals]
store_w = "-p"
charge_wh = "e"
soc_pm = "soc"
[slow]
points = ["e"]
[control]
shape = "signed"
write = "set"
refresh_s = 10
enter = [["watchdog", 30]]
[control.dead_man]
register = "watchdog"
timeout_s = 60
fed_by = "setpoint"
"""
