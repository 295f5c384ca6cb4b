# What only the inventories tell (posture-reporter), and rotations that failed (Secrets Manager). Nobody watches a function that is not there.

locals {
  reported = contains(keys(var.functions), "posture-reporter")
  rotated  = contains(keys(var.functions), "certificate-rotator")
  reporter = { Function = "posture-reporter" }

  # The secrets of module control-plane: below its name, which the function's name begins with.
  secrets = local.rotated ? "${trimsuffix(var.functions["certificate-rotator"].function_name, "-certificate-rotator")}/certificates/" : ""

  inventory_alarms = merge(
    { for name, alarm in {
      reporter-stopped = {
        description = "The posture-reporter has not run for an hour: waiting connections, certificates and CRLs are not watched."
        runbook     = "reporter-stopped"
        metric      = "Runs"
        statistic   = "Sum"
        threshold   = 1
        period      = 3600
        missing     = "breaching"
      }
      certificate-expiring = {
        description = "The newest certificate of an identity is good for less than two days, and no newer one has come."
        runbook     = "certificate-expiring"
        metric      = "IdentitySecondsToExpiry"
        statistic   = "Minimum"
        threshold   = 2 * local.days
        period      = 900
        missing     = "notBreaching"
      }
      crl-ending = {
        description = "A published CRL passes its nextUpdate within two days, and its authority has published no successor."
        runbook     = "crl-ending"
        metric      = "CrlSecondsToNextUpdate"
        statistic   = "Minimum"
        threshold   = 2 * local.days
        period      = 900
        missing     = "notBreaching"
      }
    } : name => merge(alarm, { namespace = local.namespace, dimensions = local.reporter, comparison = "LessThanThreshold" }) if local.reported },
    { for name, service in var.services : "${name}-pending" => {
      description = "A connection to ${name} has waited for acceptance for more than five minutes."
      runbook     = "pending-connections"
      namespace   = local.namespace
      metric      = "OldestPendingAge"
      statistic   = "Maximum"
      dimensions  = merge(local.reporter, { Service = service.endpoint_service.id })
      threshold   = 300
    } if local.reported && service.endpoint_service != null },
    { for name, rule in aws_cloudwatch_event_rule.rotation_failed : "rotation-failed" => {
      description = "Secrets Manager could not rotate a client certificate; the old one goes on until it expires. What failed is in the log group ${aws_cloudwatch_log_group.foreign_calls.name}."
      runbook     = "rotation-failed"
      namespace   = "AWS/Events"
      metric      = "TriggeredRules"
      dimensions  = { RuleName = rule.name }
    } },
  )
}

# Also when the function could not be called at all, which no metric of its own would tell.
resource "aws_cloudwatch_event_rule" "rotation_failed" {
  for_each    = toset(local.rotated ? ["this"] : [])
  name        = "${var.name}-rotation-failed"
  description = "A client certificate was not rotated"
  event_pattern = jsonencode({
    source = ["aws.secretsmanager"]
    detail = {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = ["RotationFailed"]
      additionalEventData = { SecretId = [{ prefix = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${local.secrets}" }] }
    }
  })
}

# The event says which secret and which step.
resource "aws_cloudwatch_event_target" "rotation_failed" {
  for_each  = aws_cloudwatch_event_rule.rotation_failed
  rule      = each.value.name
  target_id = "evidence"
  arn       = aws_cloudwatch_log_group.foreign_calls.arn

  depends_on = [aws_cloudwatch_log_resource_policy.foreign_calls]
}
