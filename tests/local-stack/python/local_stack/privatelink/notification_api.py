"""`CreateVpcEndpointConnectionNotification`, `Describe…`, `Modify…`, `Delete…`."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from local_stack.extend import extend
from local_stack.privatelink.notifications import Notification, Notifications

EVENTS = ("Connect", "Accept", "Reject", "Delete")


def install(notifications: Notifications) -> None:
    def create(response: EC2Response) -> ActionResult:
        backend, service_id = response.ec2_backend, response._get_param("ServiceId")
        if service_id not in backend.configurations:
            message = f"The VpcEndpointService Id '{service_id}' does not exist"
            raise EC2ClientError("InvalidVpcEndpointServiceId.NotFound", message)
        topic_arn = response._get_param("ConnectionNotificationArn")
        notification = Notification(backend.account_id, service_id, topic_arn, events(response))
        notifications.add(notification)
        return ActionResult({"ConnectionNotification": shape(notification)})

    def describe(response: EC2Response) -> ActionResult:
        wanted = response._get_param("ConnectionNotificationId")
        mine = notifications.of(response.ec2_backend.account_id)
        return ActionResult({"ConnectionNotificationSet": [shape(n) for n in mine if wanted in (None, n.id)]})

    def modify(response: EC2Response) -> ActionResult:
        wanted = response._get_param("ConnectionNotificationId")
        for notification in notifications.of(response.ec2_backend.account_id):
            if notification.id == wanted:
                notification.topic_arn = response._get_param("ConnectionNotificationArn") or notification.topic_arn
                notification.events = events(response) if response._get_param("ConnectionEvents") else notification.events
                return ActionResult({"ReturnValue": True})
        raise EC2ClientError("InvalidConnectionNotification.NotFound", f"The notification '{wanted}' does not exist")

    def delete(response: EC2Response) -> ActionResult:
        account = response.ec2_backend.account_id
        wanted = response._get_param("ConnectionNotificationIds", [])
        return ActionResult({"Unsuccessful": [missing(n) for n in wanted if not notifications.remove(account, n)]})

    extend(
        EC2Response,
        create_vpc_endpoint_connection_notification=create,
        describe_vpc_endpoint_connection_notifications=describe,
        modify_vpc_endpoint_connection_notification=modify,
        delete_vpc_endpoint_connection_notifications=delete,
    )


def events(response: EC2Response) -> list[str]:
    wanted = response._get_param("ConnectionEvents", [])
    if not wanted or set(wanted) - set(EVENTS):
        raise EC2ClientError("InvalidParameterValue", f"ConnectionEvents must be of {', '.join(EVENTS)}")
    return list(wanted)


def missing(notification_id: str) -> dict[str, Any]:
    message = f"The notification '{notification_id}' does not exist"
    return {"ResourceId": notification_id, "Error": {"Code": "InvalidConnectionNotification.NotFound", "Message": message}}


def shape(notification: Notification) -> dict[str, Any]:
    return {
        "ConnectionNotificationId": notification.id,
        "ServiceId": notification.service_id,
        "ConnectionNotificationType": "Topic",
        "ConnectionNotificationArn": notification.topic_arn,
        "ConnectionEvents": notification.events,
        "ConnectionNotificationState": "Enabled",
    }
