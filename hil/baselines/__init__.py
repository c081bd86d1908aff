"""What the controller is compared with: one file each, found by its name.

A baseline decides a quarter-hour at a time, in floats, with `hil/baseline.py: play` holding its
battery to physics. Its module says in the first line of its docstring what it is, and has

  AHEAD           what it knows that a controller could not have known, in words; "" for nothing
  control(park)   returns `wish(at, store_kwh, peak_kw)`: the battery's power, kW, discharge
                  positive, in quarter-hour `at` of `park`, when it begins with `store_kwh` above
                  the floor and the month's highest import so far is `peak_kw`

and, where it needs what is not always installed, NEEDS, that part (boards/parts.py).

A wish beyond what the battery can do gets what it can. Who knows nothing ahead reads loads up to
and with `at` only: the load of the present interval is known, as to the controller.
"""
