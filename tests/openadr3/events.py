"""Events as a server of OpenADR 3 lists them."""

import datetime

START = 1_784_088_000  # 2026-07-15T04:00:00Z
KIND = "IMPORT_CAPACITY_LIMIT"


def zulu(utc):
    return f"{datetime.datetime.fromtimestamp(utc, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def period(start=START, duration="PT15M", **more):
    made = {"duration": duration, **more}
    return made if start is None else {"start": start if isinstance(start, str) else zulu(start),
                                       **made}


def interval(*values, number=0, kind=KIND, **own):
    made = {"id": number, "payloads": [{"type": kind, "values": list(values)}]}
    return {**made, "intervalPeriod": own["period"]} if "period" in own else made


def event(*values, kind=KIND, number="e-1", **members):
    """An interval of a quarter of an hour for each value; `members` replace or add."""
    return {"id": number, "programID": "program-1", "createdDateTime": "2026-07-14 09:26:07",
            "intervalPeriod": period(),
            "intervals": [interval(value, number=at, kind=kind)
                          for at, value in enumerate(values)], **members}
