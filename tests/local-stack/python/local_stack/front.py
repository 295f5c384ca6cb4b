"""In front of moto: accounts by access key, faults, the log of calls, and the control routes under `/_local/`."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from local_stack.caller import Caller, body, caller
from local_stack.faults import Fault, Faults, answer
from local_stack.settings import Settings

UNSUCCESSFUL = "local_stack.unsuccessful"
"""In the WSGI environment: the code with which every item of this call is to fail."""

Start = Callable[..., Any]


class Front:
    def __init__(self, emulator: Callable, settings: Settings) -> None:
        self._emulator = emulator
        self._settings = settings
        self._faults = Faults()
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_local/"):
            return self._control(environ, start)
        body(environ)  # read whole, whatever the answer: the connection is kept
        who = caller(environ, self._settings.provider)
        # The way moto offers to say whose request this is.
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = who.account
        start = self._logged(who, start)
        fault = self._faults.next(who.action)
        if fault is None:
            return self._emulator(environ, start)
        if fault.kind == "latency":
            time.sleep(fault.seconds)
        elif fault.kind == "unsuccessful":
            environ[UNSUCCESSFUL] = fault.code
        else:
            status, content_type, text = answer(fault, who.service)
            start(status, [("content-type", content_type), ("content-length", str(len(text)))])
            return [text]
        return self._emulator(environ, start)

    def _logged(self, who: Caller, start: Start) -> Start:
        def log(status: str, *rest: Any) -> Any:
            with self._lock:
                self._calls.append({**asdict(who), "status": int(status.partition(" ")[0])})
            return start(status, *rest)

        return log

    def _control(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        route = (environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/_local/"))
        try:
            status, said = "200 OK", self._routed(route, environ)
        except (KeyError, TypeError, ValueError) as error:
            status, said = "400 Bad Request", {"error": str(error)}
        text = json.dumps(said).encode()
        start(status, [("content-type", "application/json"), ("content-length", str(len(text)))])
        return [text]

    def _routed(self, route: tuple[str, str], environ: dict[str, Any]) -> object:
        match route:
            case ("GET", "calls"):
                with self._lock:
                    return list(self._calls)
            case ("DELETE", "calls"):
                with self._lock:
                    self._calls.clear()
            case ("POST", "faults"):
                wanted = json.loads(body(environ))
                self._faults.add(wanted.pop("action"), Fault(**wanted))
            case ("DELETE", "faults"):
                self._faults.clear()
            case ("POST", "settings"):
                self._settings.change(json.loads(body(environ)))
            case _:
                raise KeyError(f"no control route {route}")
        return {}
