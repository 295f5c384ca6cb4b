"""The answer of ModifyVpcEndpointServicePermissions: moto's lacks who was added, from which Terraform takes its resource's id."""

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

    extend(EC2Response, modify_vpc_endpoint_service_permissions=modify_vpc_endpoint_service_permissions)


def permission(service_id: str, principal: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{service_id} {principal}".encode()).hexdigest()
    permission_id = f"vpce-svc-perm-{digest[:17]}"
    return {"PrincipalType": "Account", "Principal": principal, "ServicePermissionId": permission_id, "ServiceId": service_id}
