"""One rule a file, found by its name. Each only narrows the envelope.

A rule module has ORDER (who speaks first: small numbers are more important), FIELDS (its keys in
the site file, see edge/config.py) and `rule(by, keys, site)`, which returns the function
`narrow(now)` that the beat calls. `by` is the number the rule signs its bounds with,
`keys` its own section of the site image, `site` the parts it may consult: battery, window,
planner, envelope, beat_s.

Two habits come from what MicroPython charges (in ARM instructions, measured). What never changes
is bound as a default argument: as a local name it costs 26, as an attribute 112 or more (a closure
would do, but one of more than five names and arguments takes heap at every call). And a rule looks
at a bound before it speaks, because a call costs 800 even if it changes nothing.
"""
