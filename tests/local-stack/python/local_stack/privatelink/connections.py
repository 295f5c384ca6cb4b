"""The endpoint connections of all accounts: one record, which the consumer sees as the state of its endpoint."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from uuid import uuid4

from local_stack.settings import Settings

Tell = Callable[[str, "Connection"], None]
"""Told of `Connect`, `Accept`, `Reject` and `Delete`."""


@dataclass
class Connection:
    service_id: str
    provider: str
    endpoint_id: str
    owner: str
    region: str
    state: str
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    connection_id: str = field(default_factory=lambda: f"vpce-con-{uuid4().hex[:17]}")
    accepted_at: float = 0.0


class Refused(Exception):
    """An item of `Unsuccessful`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Change:
    """What a provider does to a connection."""

    event: str
    possible_in: tuple[str, ...]
    leads_to: str


ACCEPT = Change("Accept", ("pendingAcceptance", "rejected"), "pending")
REJECT = Change("Reject", ("pendingAcceptance", "pending", "available"), "rejected")


class Connections:
    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell
        self._lock = threading.RLock()
        self._by_endpoint: dict[str, Connection] = {}

    def request(self, connection: Connection) -> None:
        with self._lock:
            self._by_endpoint[connection.endpoint_id] = connection
            if connection.state == "pending":
                connection.accepted_at = time.monotonic()
        self._tell("Connect", connection)

    def change(self, change: Change, provider: str, service_id: str, endpoint_id: str) -> None:
        with self._lock:
            connection = self._by_endpoint.get(endpoint_id)
            if connection is None or (connection.provider, connection.service_id) != (provider, service_id):
                raise Refused("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")
            state = self._settled(connection).state
            if state not in change.possible_in:
                # AWS's own code for this is not documented.
                raise Refused("InvalidState", f"The Vpc Endpoint '{endpoint_id}' is {state}")
            connection.state, connection.accepted_at = change.leads_to, time.monotonic()
        self._tell(change.event, connection)

    def delete(self, endpoint_id: str) -> None:
        """By the owner, of an endpoint of any kind. A deleted connection stays listed, as it does for a while on AWS."""
        with self._lock:
            connection = self._by_endpoint.get(endpoint_id)
            if connection is None or connection.state == "deleted":
                return
            connection.state = "deleted"
        self._tell("Delete", connection)

    def of_provider(self, account: str, region: str) -> list[Connection]:
        """Oldest first."""
        with self._lock:
            mine = [self._settled(c) for c in self._by_endpoint.values() if (c.provider, c.region) == (account, region)]
        return sorted(mine, key=lambda c: (c.created_at, c.endpoint_id))

    def state(self, endpoint_id: str) -> str | None:
        with self._lock:
            connection = self._by_endpoint.get(endpoint_id)
            return self._settled(connection).state if connection else None

    def _settled(self, connection: Connection) -> Connection:
        """An accepted connection is `pending` for a while before it is `available`."""
        waited = time.monotonic() - connection.accepted_at
        if connection.state == "pending" and waited >= self._settings.pending_seconds:
            connection.state = "available"
        return connection
