"""Faults on request: what the next calls of an action meet."""

import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal

Kind = Literal["throttle", "serverError", "latency", "unsuccessful", "error"]


@dataclass
class Fault:
    kind: Kind
    times: int
    """Of `unsuccessful` and `error`."""
    code: str = ""
    """Of `latency`."""
    seconds: float = 0.0


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queued: dict[str, deque[Fault]] = defaultdict(deque)

    def add(self, action: str, fault: Fault) -> None:
        with self._lock:
            self._queued[action].append(fault)

    def clear(self) -> None:
        with self._lock:
            self._queued.clear()

    def next(self, action: str) -> Fault | None:
        """The fault this call meets; the oldest request of the action is used up first."""
        with self._lock:
            queued = self._queued.get(action)
            if not queued:
                return None
            fault = queued[0]
            fault.times -= 1
            if fault.times <= 0:
                queued.popleft()
            return fault


def answer(fault: Fault, service: str) -> tuple[str, str, bytes]:
    """Status line, content type and body as the service would send them."""
    xml = service in ("ec2", "elasticloadbalancing")
    if fault.kind == "throttle":
        # EC2 throttles with 503, the JSON services with 400.
        status, code = ("503 Service Unavailable", "RequestLimitExceeded") if xml else ("400 Bad Request", "ThrottlingException")
    elif fault.kind == "serverError":
        status, code = "500 Internal Server Error", "InternalError" if xml else "InternalFailure"
    else:
        status, code = "400 Bad Request", fault.code
    message = "asked for by a test"
    if xml:
        error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        return status, "text/xml", f"<Response>{error}<RequestID>local</RequestID></Response>".encode()
    return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
