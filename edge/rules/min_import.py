"""The import that must not be undercut: a margin against reverse flow, or for a generator."""

from edge.compat import const
from edge.island.roles import Generator, role_of

ORDER = const(57)
NEEDS = ()
FIELDS = (
    ("import_min_w", "W", 1, 8_000_000, None, "least import at any moment"),
    ("while_running", "0/1", 0, 1, 0, "1 = only while the generator runs, or is not seen"),
)


def rule(by: int, keys: dict, site):
    """The grid carries net_w - battery: discharge no more than leaves the import its least, and
    charge what is missing to it."""
    generator = role_of(site, Generator)

    def narrow(now, by=by, envelope=site.envelope, at_most=site.envelope.at_most,
               import_min_w=keys["import_min_w"], always=not keys["while_running"],
               generator=generator):
        w = now.net_w - import_min_w
        if w < envelope.hi_w and (always or generator.running.value
                                  or not generator.fresh(now.row[2])):
            at_most(w, by)

    return narrow
