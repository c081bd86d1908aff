"""The API as OpenAPI 3.1 describes it, made from the table of routes."""

import inspect
from typing import Any

from cloud_bridge.queries.answers import LATE_S
from cloud_bridge.queries.spans import RESOLUTIONS
from cloud_bridge.web.routes import MOST, PREFIX, ROUTES, USUAL, Route
from edge import __version__

Schema = dict[str, Any]


def _object(properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(kind: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], **more}


_NAME = {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
_TIME = {"type": "string", "format": "date-time"}
_MOMENT = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
_WHOLE = {"type": "integer"}
_NEXT = _or_null("string", description="Where there is more; null: this was all.")
_GATEWAY = {"park": _NAME, "gateway": _NAME}
_VALUE = {"type": ["integer", "string", "null"]}
_LAG = _object({
    **_GATEWAY, "state": {"enum": ["ok", "late", "silent"]},
    "row": _or_null("string", format="date-time", description="The newest row."),
    "row_age_s": _or_null("integer"), "message": {**_TIME, "description": "The newest message."},
    "message_age_s": _WHOLE,
    "transit_s": _or_null("integer", description="From the newest row to its arrival.")})
_METER = _object({
    "medium": {"type": "string"}, "use": {"type": "string"}, "unit": {"enum": ["l", "kg", "wh"]},
    "reading": {**_WHOLE, "description": "In that unit."}, "time": _TIME, "age_s": _WHOLE})
_ANSWERS: dict[str, Schema] = {
    "gateways": _object({"data": _list(_object(_GATEWAY)), "next": _NEXT}),
    "lags": _object({"data": _list(_LAG), "next": _NEXT}),
    "lag": _LAG,
    "last": _object({
        **_GATEWAY, "time": _TIME, "age_s": _WHOLE, "received": _TIME,
        "values": {"type": "object", "additionalProperties": _VALUE,
                   "description": "By field; the unit is the last word of its name. Null was not "
                                  "fresh."},
        "media": {"type": "object", "additionalProperties": _METER,
                  "description": "Meters of water, heat, cold, gas and steam, by their names."}}),
    "range": _object({
        **_GATEWAY, "resolution": {"enum": list(RESOLUTIONS)}, "zone": {"type": "string"},
        "start": _TIME, "end": _TIME, "next": _NEXT,
        "data": _list({
            "type": "object", "properties": {
                "time": _TIME, "covered_s": _WHOLE, "energies_s": _WHOLE, "rows": _WHOLE},
            "required": ["time"], "additionalProperties": _VALUE,
            "description": "Of raw rows the fields; of intervals FIELD.mean, .min and .max of a "
                           "gauge, .moved and .last of a register, .last of a code; from 15min on "
                           "NAME_l, _kg or _wh .moved and .last of a meter of media. covered_s of "
                           "it rows speak for; in energies_s more registers are known and nothing "
                           "else. Both 0: nothing is known until the next entry."})}),
    "gaps": _object({
        **_GATEWAY, "start": _TIME, "end": _TIME,
        "messages": _list(_object({"epoch": _WHOLE, "first": _WHOLE, "last": _WHOLE, "reason": {
            "enum": ["overwritten", "elsewhere", "missing"]}})),
        "more_messages": _WHOLE,
        "uncovered": _list(_object({"start": _TIME, "end": _TIME, "s": _WHOLE, "energies_s": {
            **_WHOLE, "description": "Of it so much in which the registers are known, from "
                                     "quarter-hour energies or the rows around."}, "moved": {
            "type": "object", "additionalProperties": _WHOLE,
            "description": "What registers moved by in those energies_s."}})),
        "uncovered_s": _WHOLE, "energies_s": _WHOLE, "unreadable": _WHOLE, "next": _NEXT}),
}
_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "start": (_MOMENT, "A date or an RFC 3339 time; a day before the end if not told."),
    "end": (_MOMENT, "Likewise; now if not told. It is not part of the range."),
    "zone": ({"type": "string", "default": "UTC", "pattern": "^[A-Za-z0-9_+/-]+$"},
             "Whose days and hours, e.g. Asia/Shanghai."),
    "resolution": ({"enum": list(RESOLUTIONS), "default": "15min"},
                   "The range grows to whole intervals."),
    "fields": ({"type": "string", "pattern": "^[a-z][a-z0-9_-]*(,[a-z][a-z0-9_-]*)*$"},
               "Only these, joined by commas."),
    "format": ({"enum": ["json", "csv"], "default": "json"},
               "CSV is streamed to the end of the range, whatever the limit."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
              "Entries of a page, at most; rows of one second stay together."),
    "after": ({"type": "string"}, "Only names behind this one, PARK/GATEWAY."),
    "late": ({"type": "integer", "minimum": 1, "maximum": 99_999, "default": LATE_S},
             "Seconds without a new row that make a gateway late."),
}
_PROBLEMS = {"400": "The question is wrong; `detail` says what was found and expected.",
             "401": "No token, a wrong one, or one whose time is over.",
             "403": "The role may not ask this, or a page of another origin asks.",
             "404": "Not there, or not within the token's reach.",
             "421": "The server does not go by this name.",
             "429": "Too many wrong tokens from this address.",
             "503": "Not now; Retry-After says when."}


def describe() -> Schema:
    """The whole document."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "parkedge", "version": __version__, "license": {
            "name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What gateways have sent, as a bridge's store has it. Powers are "
                           "positive into the busbar; figures are whole numbers."},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {
            f"{PREFIX}/health": _open("health", "Whether the server answers.",
                                      _object({"state": {"const": "ok"}})),
            f"{PREFIX}/openapi.json": _open("openapi", "This document.", {"type": "object"}),
            **{PREFIX + route.path: {"get": _operation(route)} for route in ROUTES}},
        "components": {
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": "From `python -m cloud_bridge keys token`."}},
            "schemas": {"problem": _object({"type": {"type": "string"}, "title": {"type": "string"},
                                            "status": _WHOLE, "detail": {"type": "string"}}),
                        **_ANSWERS},
            "responses": {status: {"description": told, "content": problem}
                          for status, told in _PROBLEMS.items()}},
    }


def _open(name: str, summary: str, schema: Schema) -> Schema:
    return {"get": {"operationId": name, "summary": summary, "security": [], "responses": {
        "200": {"description": "So it is.", "content": {"application/json": {"schema": schema}}},
        **{status: {"$ref": f"#/components/responses/{status}"} for status in ("403", "421")}}}}


def _operation(route: Route) -> Schema:
    path = [{"name": name, "in": "path", "required": True, "schema": _NAME}
            for name in ("park", "gateway") if f"{{{name}}}" in route.path]
    query = [{"name": name, "in": "query", "schema": schema, "description": told}
             for name in route.parameters for schema, told in [_PARAMETERS[name]]]
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{route.name}"}}}
    responses: dict[str, Schema] = {"200": {"description": "The answer.", "content": content}}
    if "format" in route.parameters:
        content["text/csv"] = {"schema": {"type": "string"}}
        responses["304"] = {"description": "As the ETag in If-None-Match says, nothing is new."}
    told = inspect.getdoc(route.answer) or ""
    return {"operationId": route.name, "summary": told.replace("\n", " "),
            "description": f"For a token of role {' or '.join(route.roles)}.",
            "parameters": path + query,
            "responses": {**responses, **{status: {"$ref": f"#/components/responses/{status}"}
                                          for status in _PROBLEMS}}}
