"""Endpoint connections, which moto lacks: two accounts, states, notifications, CloudTrail."""

from local_stack.peer import Peer
from local_stack.privatelink import connection_api, endpoint_api, notification_api, permission_api
from local_stack.privatelink.connections import Connections
from local_stack.privatelink.notifications import Notifications
from local_stack.settings import Settings


def install(settings: Settings, peer: Peer) -> None:
    """Extends moto's EC2 in place."""
    notifications = Notifications(settings, peer)
    connections = Connections(settings, notifications.tell)
    endpoint_api.install(settings, peer, connections)
    connection_api.install(settings, connections)
    notification_api.install(notifications)
    permission_api.install()
