"""Run by a test on CPython and on MicroPython, whose outputs must be equal."""


def everything(cases):
    """What each profile says in each case, a line each: connect, then its own JSON."""
    lines = []
    for name, secrets, utc_s in cases:
        module = __import__("edge.clouds." + name, None, None, ("connect",))
        try:
            told = module.connect(secrets, utc_s)
            lines.append(" ".join([repr(told[key]) for key in sorted(told) if key != "limits"]))
        except ValueError as error:
            lines.append(str(error))
        if hasattr(module, "native"):
            lines.append(repr(module.native(secrets, utc_s, 7, '"grid_w":-1,"soc_pm":500')))
    return lines
