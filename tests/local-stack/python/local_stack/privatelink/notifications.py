"""Connection notifications: whom to tell of which events, and the telling, by SNS."""

import threading
from dataclasses import dataclass, field
from uuid import uuid4

from local_stack.peer import Peer
from local_stack.privatelink.connections import Connection
from local_stack.settings import Settings


@dataclass
class Notification:
    account: str
    service_id: str
    topic_arn: str
    events: list[str]
    id: str = field(default_factory=lambda: f"vpce-nfn-{uuid4().hex[:17]}")


class Notifications:
    def __init__(self, settings: Settings, peer: Peer) -> None:
        self._settings = settings
        self._peer = peer
        self._lock = threading.Lock()
        self._by_id: dict[str, Notification] = {}

    def add(self, notification: Notification) -> None:
        with self._lock:
            self._by_id[notification.id] = notification

    def remove(self, account: str, notification_id: str) -> bool:
        """Whether it was there."""
        with self._lock:
            known = self._by_id.get(notification_id)
            if known is None or known.account != account:
                return False
            del self._by_id[notification_id]
            return True

    def of(self, account: str) -> list[Notification]:
        with self._lock:
            return [n for n in self._by_id.values() if n.account == account]

    def tell(self, event: str, connection: Connection) -> None:
        """AWS does not document the message: who reads more than a wake-up from it is wrong."""
        if not self._settings.connection_notifications:
            return
        message: dict[str, object] = {
            "event": event,
            "serviceId": connection.service_id,
            "vpcEndpointId": connection.endpoint_id,
        }
        for notification in self.of(connection.provider):
            if notification.service_id == connection.service_id and event in notification.events:
                self._peer.publish(notification.account, notification.topic_arn, message)
