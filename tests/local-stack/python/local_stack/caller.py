"""Who calls what: read from a request before an emulator sees it."""

import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/[^/]+/[^/]+/(?P<service>[^/]+)/aws4_request")
TWELVE_DIGITS = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Caller:
    service: str
    action: str
    account: str
    """The access key."""
    principal: str


def caller(environ: dict[str, Any], provider: str) -> Caller:
    """An access key of 12 digits is its account, as in ministack; any other belongs to the provider."""
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    principal = signed["key"] if signed else ""
    account = principal if TWELVE_DIGITS.fullmatch(principal) else provider
    return Caller(signed["service"] if signed else "", action(environ), account, principal)


def action(environ: dict[str, Any]) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body(environ).decode()).get("Action", [""])[0]
    return ""


def body(environ: dict[str, Any]) -> bytes:
    """The body, which stays readable for whoever comes next."""
    read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(read)
    return read
