"""Allowed principals with the id of each permission, which moto leaves out, and which Terraform takes for its resource's."""

import hashlib
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from local_stack.extend import extend


def install() -> None:
    modify = EC2Response.modify_vpc_endpoint_service_permissions

    def modify_vpc_endpoint_service_permissions(response: EC2Response) -> ActionResult:
        modify(response)
        service_id = response._get_param("ServiceId")
        added = [permission(service_id, principal) for principal in response._get_param("AddAllowedPrincipals", [])]
        return ActionResult({"AddedPrincipals": added, "ReturnValue": True})

    def describe_vpc_endpoint_service_permissions(response: EC2Response) -> ActionResult:
        service_id = response._get_param("ServiceId")
        principals = response.ec2_backend.describe_vpc_endpoint_service_permissions(service_id)
        return ActionResult({"AllowedPrincipals": [permission(service_id, principal) for principal in principals]})

    extend(
        EC2Response,
        modify_vpc_endpoint_service_permissions=modify_vpc_endpoint_service_permissions,
        describe_vpc_endpoint_service_permissions=describe_vpc_endpoint_service_permissions,
    )


def permission(service_id: str, principal: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{service_id} {principal}".encode()).hexdigest()
    permission_id = f"vpce-svc-perm-{digest[:17]}"
    return {"PrincipalType": "Account", "Principal": principal, "ServicePermissionId": permission_id, "ServiceId": service_id}
