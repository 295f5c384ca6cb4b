"""`AcceptVpcEndpointConnections`, `RejectVpcEndpointConnections`, `DescribeVpcEndpointConnections`."""

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, MissingParameterError
from moto.ec2.responses import EC2Response

from local_stack.extend import extend
from local_stack.front import UNSUCCESSFUL
from local_stack.privatelink.connections import ACCEPT, REJECT, Connection, Connections, Refused
from local_stack.settings import Settings

FILTERS: dict[str, Callable[[Connection], str]] = {
    "ip-address-type": lambda _: "ipv4",
    "service-id": lambda c: c.service_id,
    "vpc-endpoint-id": lambda c: c.endpoint_id,
    "vpc-endpoint-owner": lambda c: c.owner,
    "vpc-endpoint-region": lambda c: c.region,
    "vpc-endpoint-state": lambda c: c.state,
}


def install(settings: Settings, connections: Connections) -> None:
    def accept(response: EC2Response) -> ActionResult:
        return each(response, partial(connections.change, ACCEPT))

    def reject(response: EC2Response) -> ActionResult:
        return each(response, partial(connections.change, REJECT))

    def describe(response: EC2Response) -> ActionResult:
        backend = response.ec2_backend
        matching = select(connections.of_provider(backend.account_id, backend.region_name), response)
        found, token = page(matching, response, settings.page_size)
        return ActionResult({"VpcEndpointConnections": [shape(c) for c in found], "NextToken": token})

    extend(
        EC2Response,
        accept_vpc_endpoint_connections=accept,
        reject_vpc_endpoint_connections=reject,
        describe_vpc_endpoint_connections=describe,
    )


def each(response: EC2Response, change: Callable[[str, str, str], None]) -> ActionResult:
    """Answers 200 whatever became of the single endpoints: they are in `Unsuccessful`."""
    backend = response.ec2_backend
    service_id, endpoint_ids = response._get_param("ServiceId"), response._get_param("VpcEndpointIds", [])
    if not endpoint_ids:
        raise MissingParameterError("VpcEndpointId")
    if service_id not in backend.configurations:
        message = f"The VpcEndpointService Id '{service_id}' does not exist"
        raise EC2ClientError("InvalidVpcEndpointServiceId.NotFound", message)
    forced = response.normalized_request.environ.get(UNSUCCESSFUL)
    unsuccessful = []
    for endpoint_id in endpoint_ids:
        try:
            if forced:
                raise Refused(forced, "asked for by a test")
            change(backend.account_id, service_id, endpoint_id)
        except Refused as refused:
            unsuccessful.append({"ResourceId": endpoint_id, "Error": {"Code": refused.code, "Message": refused.message}})
    return ActionResult({"Unsuccessful": unsuccessful})


def select(connections: list[Connection], response: EC2Response) -> list[Connection]:
    """Filters are joined by and, their values by or; values are compared as they are, in their case."""
    for wanted in response._get_param("Filters", []):
        read = FILTERS.get(wanted["Name"])
        if read is None:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{wanted['Name']}' is invalid")
        connections = [c for c in connections if read(c) in wanted["Values"]]
    return connections


def page(connections: list[Connection], response: EC2Response, page_size: int) -> tuple[list[Connection], str | None]:
    """The token names the last endpoint of the page before, so that a page stays right while connections come."""
    token = response._get_param("NextToken")
    size = min(response._get_int_param("MaxResults", page_size), page_size)
    if token:
        last = base64.b64decode(token).decode()
        before = [index for index, c in enumerate(connections) if c.endpoint_id == last]
        if not before:
            raise EC2ClientError("InvalidNextToken", f"The token '{token}' is invalid")
        connections = connections[before[0] + 1 :]
    found = connections[:size]
    more = len(connections) > size
    return found, base64.b64encode(found[-1].endpoint_id.encode()).decode() if more else None


def shape(connection: Connection) -> dict[str, Any]:
    return {
        "ServiceId": connection.service_id,
        "VpcEndpointId": connection.endpoint_id,
        "VpcEndpointOwner": connection.owner,
        "VpcEndpointState": connection.state,
        "VpcEndpointRegion": connection.region,
        "CreationTimestamp": connection.created_at,
        "IpAddressType": "ipv4",
        "VpcEndpointConnectionId": connection.connection_id,
    }
