"""One rule a file, found by its name. Each only narrows the envelope.

A rule module has ORDER (who speaks first: small numbers are more important), FIELDS (its keys in
the site file, see edge/config.py) and `class Rule` with `__init__(by, keys, site)` and
`narrow(envelope, now)`. `by` is the number the rule signs its bounds with, `keys` its own section
of the site image, `site` the parts a rule may consult: battery, window, planner, beat_s.

A rule looks at a bound before it speaks, because on a microcontroller a call that changes nothing
costs more than the rest of the rule.
"""
