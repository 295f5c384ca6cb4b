"""CloudTrail's record of `CreateVpcEndpoint`, as the consumer's forwarding rule delivers it to the provider's bus."""

from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from moto.ec2.models.vpcs import VPCEndPoint

from local_stack.settings import Settings


def created(endpoint: VPCEndPoint, settings: Settings) -> dict[str, Any]:
    consumer = endpoint.owner_id
    return {
        "busAccount": settings.provider,
        "bus": settings.cloudtrail_bus,
        "account": consumer,
        "region": settings.region,
        "source": "aws.ec2",
        "detailType": "AWS API Call via CloudTrail",
        "detail": {
            "eventVersion": "1.10",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::{consumer}:assumed-role/network/local",
                "accountId": consumer,
            },
            "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "ec2.amazonaws.com",
            "eventName": "CreateVpcEndpoint",
            "awsRegion": settings.region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": "local-stack",
            "requestParameters": {"CreateVpcEndpointRequest": request(endpoint)},
            "responseElements": {"CreateVpcEndpointResponse": {"vpcEndpoint": answer(endpoint)}},
            "requestID": str(uuid4()),
            "eventID": str(uuid4()),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": consumer,
            "eventCategory": "Management",
        },
    }


def request(endpoint: VPCEndPoint) -> dict[str, Any]:
    return {
        "VpcEndpointType": endpoint.vpc_endpoint_type,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "SubnetId": {"tag": 1, "content": (endpoint.subnet_ids or [""])[0]},
    }


def answer(endpoint: VPCEndPoint) -> dict[str, Any]:
    return {
        "vpcEndpointId": endpoint.id,
        "vpcEndpointType": endpoint.vpc_endpoint_type,
        "vpcId": endpoint.vpc_id,
        "serviceName": endpoint.service_name,
        "state": endpoint.state,
        "ownerId": endpoint.owner_id,
    }
