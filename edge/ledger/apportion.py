"""Whole numbers shared out exactly: nothing is rounded away, nothing goes below zero.

The carbon ledger stands on these. All numbers are >= 0; products may leave 31 bits and then take
heap on a gateway, so this is not for the beat.
"""


def apportion(total: int, weights, shares):
    """Leave in `shares` what each of `weights` gets of `total`: the cumulative quota rounded down.

    The shares sum to total and each is its quota rounded down or up, so that none exceeds its
    weight when total does not exceed their sum. Without any weight nothing is shared.
    """
    whole = sum(weights)
    reached = given = 0
    for i in range(len(weights)):
        weight = weights[i]
        upto = given
        if weight:
            reached += weight
            upto = total if reached == whole else total * reached // whole
        shares[i] = upto - given
        given = upto


def trace(sources, sinks, flows, sums):
    """Leave in `flows`, a row for each of `sources`, how much of it each of three `sinks` got, in
    proportion, and add it to `sums`. Sources and sinks must have the same sum; then the sums of
    rows and columns are exact. Each row is apportioned to what the sinks still want."""
    first, two = sinks[0], sinks[0] + sinks[1]
    left = two + sinks[2]
    at = 0
    for source in sources:
        if source:
            a = source * first // left
            b = source * two // left
            left -= source
            first -= a
            two -= b
            source -= b
            b -= a
            flows[at] = a
            flows[at + 1] = b
            flows[at + 2] = source
            sums[at] += a
            sums[at + 1] += b
            sums[at + 2] += source
        else:
            flows[at] = flows[at + 1] = flows[at + 2] = 0
        at += 3


def pour(sources, sinks, flows, sums):
    """As `trace`, but the first source fills the first sink before the second (the north-west
    corner of a transport problem)."""
    left = list(sinks)
    at = 0
    for source in sources:
        for i in range(3):
            share = left[i] if left[i] < source else source
            flows[at] = share
            sums[at] += share
            left[i] -= share
            source -= share
            at += 1


def serve(total: int, asked, owed, given) -> int:
    """Give each of `asked` out of `total` what it asks and what it is still owed. What total
    cannot give stays in `owed`, in proportion. Returns what is left, below 0 what is owed."""
    for i in range(len(owed)):
        owed[i] += asked[i]
    left = total - sum(owed)
    if left >= 0:
        given[:] = owed
    else:
        apportion(total, owed, given)
    for i in range(len(owed)):
        owed[i] -= given[i]
    return left
