"""What is refused, as RFC 9457 tells it: application/problem+json with one clear line."""

import json

from starlette.responses import Response

_TITLES = {400: "Bad request", 401: "No valid token", 403: "Not allowed", 404: "Not found",
           405: "Method not allowed", 421: "Wrong host", 429: "Too many wrong tokens",
           500: "Internal error", 503: "Not now"}


class Problem(Exception):  # noqa: N818 - it reads better in every sentence it is in
    """A refusal; `detail` is all that its reader is told."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def response(self) -> Response:
        """The answer that tells it."""
        return Response(json.dumps({"type": "about:blank", "title": _TITLES[self.status],
                                    "status": self.status, "detail": self.detail}),
                        self.status, self.headers, "application/problem+json")


def not_found() -> Problem:
    """The same for what is not there and for what is not yours."""
    return Problem(404, "nothing of that name that this token reaches")
