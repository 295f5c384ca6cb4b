"""The consumer's side: creating, seeing and deleting an endpoint to a service of another account."""

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.vpc_service_configuration import VPCServiceConfiguration
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint
from moto.ec2.responses import EC2Response

from local_stack.extend import extend
from local_stack.peer import Peer
from local_stack.privatelink import cloudtrail
from local_stack.privatelink.connections import Connection, Connections
from local_stack.settings import Settings


def install(settings: Settings, peer: Peer, connections: Connections) -> None:
    create, describe = VPCBackend.create_vpc_endpoint, VPCBackend.describe_vpc_endpoints

    def create_vpc_endpoint(backend: Any, vpc_id: str, service_name: str, *rest: Any, **named: Any) -> VPCEndPoint:
        if not service_name.startswith("com.amazonaws.vpce."):
            return create(backend, vpc_id, service_name, *rest, **named)
        service = offered(service_name, backend.account_id, backend.region_name)
        endpoint = create(backend, vpc_id, service_name, *rest, **named)
        connections.request(connection(service, endpoint))
        endpoint.state = connections.state(endpoint.id) or endpoint.state
        if settings.cloudtrail_bus:
            peer.emit(cloudtrail.created(endpoint, settings))
        return endpoint

    def describe_vpc_endpoints(backend: Any, *rest: Any, **named: Any) -> list[VPCEndPoint]:
        for endpoint in backend.vpc_end_points.values():
            endpoint.state = connections.state(endpoint.id) or endpoint.state
        return describe(backend, *rest, **named)

    extend(VPCBackend, create_vpc_endpoint=create_vpc_endpoint, describe_vpc_endpoints=describe_vpc_endpoints)
    extend(EC2Response, delete_vpc_endpoints=deletion(connections))


def deletion(connections: Connections) -> Callable[[EC2Response], ActionResult]:
    def delete_vpc_endpoints(response: EC2Response) -> ActionResult:
        backend = response.ec2_backend
        wanted = response._get_param("VpcEndpointIds", [])
        unknown = [endpoint_id for endpoint_id in wanted if endpoint_id not in backend.vpc_end_points]
        backend.delete_vpc_endpoints(vpce_ids=wanted)
        for endpoint_id in set(wanted) - set(unknown):
            connections.delete(endpoint_id)
        return ActionResult({"Unsuccessful": [not_found(endpoint_id) for endpoint_id in unknown]})

    return delete_vpc_endpoints


def not_found(endpoint_id: str) -> dict[str, Any]:
    message = f"The Vpc Endpoint Id '{endpoint_id}' does not exist"
    return {"ResourceId": endpoint_id, "Error": {"Code": "InvalidVpcEndpoint.NotFound", "Message": message}}


def offered(service_name: str, consumer: str, region: str) -> VPCServiceConfiguration:
    """The service, when it exists in the Region and lets the consumer ask; AWS does not say which of the two failed."""
    for account in list(ec2_backends.values()):
        for service in account[region].configurations.values() if region in account else ():
            if service.service_name == service_name and may_ask(service, consumer):
                return service
    raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")


def may_ask(service: VPCServiceConfiguration, consumer: str) -> bool:
    """A service's own account always may; others need an allowed principal: `*`, or one of their account."""
    if service.ec2_backend.account_id == consumer or "*" in service.principals:
        return True
    return any(principal.split(":")[4:5] == [consumer] for principal in service.principals)


def connection(service: VPCServiceConfiguration, endpoint: VPCEndPoint) -> Connection:
    needs_acceptance = str(service.acceptance_required).lower() == "true"
    return Connection(
        service_id=service.id,
        provider=service.ec2_backend.account_id,
        endpoint_id=endpoint.id,
        owner=endpoint.owner_id,
        region=endpoint.ec2_backend.region_name,
        state="pendingAcceptance" if needs_acceptance else "pending",
    )
