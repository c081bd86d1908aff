"""README's picture out of a report: `python tools/day_picture.py REPORT.html docs/day.svg`.

The picture and the style of its page, in one file; run it when the demo's day has changed.
"""

import re
import sys
from pathlib import Path

_OWN = "svg { background: var(--paper); font: 13px system-ui, sans-serif } "


def picture(page: str) -> str:
    """The wide picture of a report's page, with all it needs to be seen by itself."""
    style, drawn = (re.search(pattern, page, re.DOTALL) for pattern in (
        "<style>(.*?)</style>", '<div class="wide"><svg(.*?>)(.*?</svg>)'))
    if style is None or drawn is None:
        raise ValueError("that is no report of an emulation or a demo")
    return (f'<svg xmlns="http://www.w3.org/2000/svg"{drawn[1]}<style>{_OWN}{style[1]}</style>'
            f"{drawn[2]}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.partition("\n")[0])
    report, target = map(Path, sys.argv[1:])
    target.write_text(picture(report.read_text(encoding="utf-8")), encoding="utf-8")
