# Calls of EC2 about endpoint services that are not ours: somebody accepts past the policy, or opens a service. CloudTrail must record management
# events in this account. A record that names no role (a user, the root) counts as foreign.

locals {
  foreign_calls = {
    decisions = {
      what  = "accepting or rejecting a connection"
      calls = ["AcceptVpcEndpointConnections", "RejectVpcEndpointConnections"]
      ours  = [var.functions["endpoint-approver"].role_arn]
    }
    changes = {
      what = "changing a service, its principals or its notifications"
      calls = [
        "CreateVpcEndpointServiceConfiguration", "DeleteVpcEndpointServiceConfigurations", "ModifyVpcEndpointServiceConfiguration", "ModifyVpcEndpointServicePermissions",
        "CreateVpcEndpointConnectionNotification", "DeleteVpcEndpointConnectionNotifications", "ModifyVpcEndpointConnectionNotification",
      ]
      ours = var.deployment_role_arns
    }
  }
}

resource "aws_cloudwatch_event_rule" "foreign_call" {
  for_each    = local.foreign_calls
  name        = "${var.name}-foreign-${each.key}"
  description = "Not ours: ${each.value.what}"
  event_pattern = jsonencode({
    source      = ["aws.ec2"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource  = ["ec2.amazonaws.com"]
      eventName    = each.value.calls
      userIdentity = { sessionContext = { sessionIssuer = { arn = [{ anything-but = each.value.ours }, { exists = false }] } } }
    }
  })
}

# Kept as evidence; the alarm counts the rule itself. Not straight into the topic of the alarms: EventBridge gives SNS no source to check, and a topic
# that takes from EventBridge takes from everybody's.
resource "aws_cloudwatch_event_target" "foreign_call" {
  for_each  = local.foreign_calls
  rule      = aws_cloudwatch_event_rule.foreign_call[each.key].name
  target_id = "evidence"
  arn       = aws_cloudwatch_log_group.foreign_calls.arn

  depends_on = [aws_cloudwatch_log_resource_policy.foreign_calls]
}

resource "aws_cloudwatch_log_group" "foreign_calls" {
  name              = "/aws/events/${var.name}-foreign-calls"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.alarms.arn
  depends_on        = [aws_kms_key_policy.alarms]
}
