# Calls that are not ours: somebody accepts past the policy, opens a service, or stops what holds the gates. CloudTrail must record management
# events in this account. A record that names no role (a user, the root) counts as foreign.

locals {
  # What names of module control-plane begin with: functions, and the rules that start them.
  ours = trimsuffix(var.functions["endpoint-approver"].function_name, "endpoint-approver")

  foreign_calls = {
    decisions = {
      what  = "accepting or rejecting a connection"
      of    = "ec2"
      calls = ["AcceptVpcEndpointConnections", "RejectVpcEndpointConnections"]
      ours  = [var.functions["endpoint-approver"].role_arn]
      about = {}
    }
    changes = {
      what = "changing a service, its principals or its notifications"
      of   = "ec2"
      calls = [
        "CreateVpcEndpointServiceConfiguration", "DeleteVpcEndpointServiceConfigurations", "ModifyVpcEndpointServiceConfiguration", "ModifyVpcEndpointServicePermissions",
        "CreateVpcEndpointConnectionNotification", "DeleteVpcEndpointConnectionNotifications", "ModifyVpcEndpointConnectionNotification",
      ]
      ours  = var.deployment_role_arns
      about = {}
    }
    functions = {
      what = "changing or stopping a function"
      of   = "lambda"
      # CloudTrail writes Lambda's calls with the date of its API behind them.
      calls = [for call in [
        "AddPermission", "DeleteFunction", "DeleteFunctionConcurrency", "PutFunctionConcurrency", "RemovePermission", "UpdateFunctionCode", "UpdateFunctionConfiguration",
      ] : { prefix = call }]
      ours = var.deployment_role_arns
      # By name or by ARN.
      about = { functionName = [for function in values(var.functions) : { suffix = function.function_name }] }
    }
    rules = {
      what  = "changing or stopping a rule"
      of    = "events"
      calls = ["DeleteRule", "DisableRule", "EnableRule", "PutRule", "PutTargets", "RemoveTargets"]
      ours  = var.deployment_role_arns
      # `name` of a rule, `rule` of its targets.
      about = { "$or" = [{ name = [{ prefix = local.ours }] }, { rule = [{ prefix = local.ours }] }] }
    }
  }
}

resource "aws_cloudwatch_event_rule" "foreign_call" {
  for_each    = local.foreign_calls
  name        = "${var.name}-foreign-${each.key}"
  description = "Not ours: ${each.value.what}"
  event_pattern = jsonencode({
    source      = ["aws.${each.value.of}"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = merge(
      {
        eventSource  = ["${each.value.of}.amazonaws.com"]
        eventName    = each.value.calls
        userIdentity = { sessionContext = { sessionIssuer = { arn = [{ anything-but = each.value.ours }, { exists = false }] } } }
      },
      length(each.value.about) == 0 ? {} : { requestParameters = each.value.about },
    )
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
