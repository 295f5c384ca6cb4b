#!/usr/bin/env python3
"""The endpoint-approver as it is usually written: boto3, one file, Lambda's runtime API spoken by hand.

For comparison in coldstart.py only. It does less than ours (no grace, cap, limits, units, drift, audit events), and does what it does
in the same calls: describe, policy from a DynamoDB item, accept and reject by account, `Unsuccessful`, inventory, metrics.
"""
import json, os, urllib.request

import boto3
import yaml

BATCH = 25
SERVICES = os.environ['LINKWARD_SERVICE_IDS'].split(',')
POLICY_TABLE = os.environ['LINKWARD_POLICY_SOURCE'].removeprefix('dynamodb:')
INVENTORY = os.environ['LINKWARD_ENDPOINT_INVENTORY_TABLE']

ec2, dynamodb, cloudwatch = boto3.client('ec2'), boto3.client('dynamodb'), boto3.client('cloudwatch')


def consumers():
    item = dynamodb.get_item(TableName=POLICY_TABLE, Key={'pk': {'S': 'meta'}}, ConsistentRead=True)['Item']
    policy = yaml.safe_load(item['document']['S'])
    return {consumer['account'] for consumer in policy['endpoints']['consumers']}


def connections():
    pages = ec2.get_paginator('describe_vpc_endpoint_connections').paginate(Filters=[{'Name': 'service-id', 'Values': SERVICES}])
    return [connection for page in pages for connection in page['VpcEndpointConnections']]


def change(operation, endpoints):
    unsuccessful = []
    for service in SERVICES:
        ids = [endpoint['VpcEndpointId'] for endpoint in endpoints if endpoint['ServiceId'] == service]
        for start in range(0, len(ids), BATCH):
            answer = operation(ServiceId=service, VpcEndpointIds=ids[start:start + BATCH])
            unsuccessful += [{'endpointId': item['ResourceId'], 'code': item['Error']['Code']} for item in answer['Unsuccessful']]
    return unsuccessful


def handle(event):
    allowed, found = consumers(), connections()
    waiting = [connection for connection in found if connection['VpcEndpointState'] == 'pendingAcceptance']
    accept = [connection for connection in waiting if connection['VpcEndpointOwner'] in allowed]
    reject = [connection for connection in waiting if connection['VpcEndpointOwner'] not in allowed]
    unsuccessful = change(ec2.accept_vpc_endpoint_connections, accept) + change(ec2.reject_vpc_endpoint_connections, reject)
    for connection in waiting:
        dynamodb.put_item(TableName=INVENTORY, Item={
            'endpointId': {'S': connection['VpcEndpointId']}, 'account': {'S': connection['VpcEndpointOwner']},
            'serviceId': {'S': connection['ServiceId']}, 'state': {'S': connection['VpcEndpointState']}})
    counts = {'ConnectionsAccepted': len(accept), 'ConnectionsRejected': len(reject)}
    cloudwatch.put_metric_data(Namespace='Linkward', MetricData=[
        {'MetricName': name, 'Value': count, 'Unit': 'Count'} for name, count in counts.items()])
    if unsuccessful:
        raise RuntimeError(json.dumps(unsuccessful))
    return {'accepted': len(accept), 'rejected': len(reject), 'unchanged': len(found) - len(waiting)}


def main():
    runtime = f'http://{os.environ["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime/invocation'
    while True:
        with urllib.request.urlopen(f'{runtime}/next') as request:
            event, request_id = json.load(request), request.headers['Lambda-Runtime-Aws-Request-Id']
        try:
            path, answer = 'response', handle(event)
        except Exception as error:
            path, answer = 'error', {'errorType': type(error).__name__, 'errorMessage': str(error)}
        urllib.request.urlopen(urllib.request.Request(f'{runtime}/{request_id}/{path}', json.dumps(answer).encode()))


if __name__ == '__main__':
    main()
