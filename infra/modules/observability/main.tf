# Alarms for what needs a person, in one topic.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # What the functions count themselves: names and dimensions of functions/telemetry/src/metrics.rs.
  namespace = "Linkward"

  # Each alarm: what it watches, and its page in docs/runbooks. Defaults: the sum of five minutes, one is too many, no data is good.
  # Those of the runtime's own numbers are in runtime.tf, those of the inventories in inventories.tf.
  alarms = merge(
    merge([for name, function in var.functions : {
      "${name}-errors" = {
        description = "${name} failed. Its log says what is left undone; a sweep repairs connections, nothing repeats a revocation."
        runbook     = "function-errors"
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = function.function_name }
      }
      "${name}-dead-letters" = {
        description = "An event was given up. Read it from ${function.dead_letter_queue}, mend the cause, send it again."
        runbook     = "dead-letters"
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        statistic   = "Maximum"
        dimensions  = { QueueName = function.dead_letter_queue }
      }
      "${name}-waiting" = {
        description = "Events wait for ${name} for more than five minutes: a revocation that waits has not happened."
        runbook     = "events-waiting"
        namespace   = "AWS/Lambda"
        metric      = "AsyncEventAge"
        statistic   = "Maximum"
        threshold   = 300000
        dimensions  = { FunctionName = function.function_name }
      }
    }]...),
    {
      sweep-stopped = {
        description = "The approver has not run for half an hour: whoever left the policy stays, whoever came waits."
        runbook     = "sweep-stopped"
        namespace   = local.namespace
        metric      = "Runs"
        dimensions  = { Function = "endpoint-approver" }
        comparison  = "LessThanThreshold"
        period      = 1800
        missing     = "breaching"
      }
      removals-stopped = {
        description = "The policy no longer allows more connections than one run may remove: the approver has stopped. Check the policy; raise the cap once by Endpoint Sweep Requested."
        runbook     = "removals-stopped"
        namespace   = local.namespace
        metric      = "RunErrors"
        dimensions  = { Function = "endpoint-approver", Reason = "maxRemovalsExceeded" }
      }
      policy-unavailable = {
        description = "The approver cannot read the access policy, and changes nothing until it can."
        runbook     = "policy-unavailable"
        namespace   = local.namespace
        metric      = "RunErrors"
        dimensions  = { Function = "endpoint-approver", Reason = "policyUnavailable" }
      }
      revocations-remaining = {
        description = "A revocation that was asked for did not happen, not even after retries if it rings again. Ask again."
        runbook     = "revocations-remaining"
        namespace   = local.namespace
        metric      = "RevocationsRemaining"
        dimensions  = { Function = "certificate-revoker" }
      }
    },
    merge([for name, service in var.services : {
      "${name}-no-target" = {
        description = "No task of ${name} is healthy. The load balancer now sends to all of them alike."
        runbook     = "no-target"
        namespace   = "AWS/NetworkELB"
        metric      = "HealthyHostCount"
        statistic   = "Minimum"
        dimensions  = { LoadBalancer = service.load_balancer_arn_suffix, TargetGroup = service.target_group_arn_suffix }
        comparison  = "LessThanThreshold"
        period      = 60
        missing     = "breaching"
      }
      "${name}-unhealthy-targets" = {
        description = "A task of ${name} has been unhealthy for five minutes."
        runbook     = "unhealthy-targets"
        namespace   = "AWS/NetworkELB"
        metric      = "UnHealthyHostCount"
        statistic   = "Minimum"
        dimensions  = { LoadBalancer = service.load_balancer_arn_suffix, TargetGroup = service.target_group_arn_suffix }
      }
      "${name}-stale" = {
        description = "The runtime of ${name} denies because a snapshot is too old, or the policy cannot be evaluated. Callers are shut out by our failure."
        runbook     = "stale-denials"
        namespace   = "${local.namespace}/${name}"
        metric      = "StaleDenials"
        dimensions  = {}
        period      = 60
      }
    }]...),
    { for name, rule in aws_cloudwatch_event_rule.foreign_call : "foreign-${name}" => {
      description = "Somebody other than us acted on the gates: ${local.foreign_calls[name].what}. The call is in the log group ${aws_cloudwatch_log_group.foreign_calls.name}."
      runbook     = "foreign-calls"
      namespace   = "AWS/Events"
      metric      = "TriggeredRules"
      dimensions  = { RuleName = rule.name }
      period      = 60
    } },
    local.runtime_alarms,
    local.inventory_alarms,
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: docs/runbooks/${each.value.runbook}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = can(each.value.percentile) ? null : try(each.value.statistic, "Sum")
  extended_statistic  = try(each.value.percentile, null)
  period              = try(each.value.period, 300)
  evaluation_periods  = try(each.value.periods, 1)
  comparison_operator = try(each.value.comparison, "GreaterThanOrEqualToThreshold")
  threshold           = try(each.value.threshold, 1)
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# The runtime's own failures, counted in its access log.
resource "aws_cloudwatch_log_metric_filter" "stale" {
  for_each       = var.services
  name           = "${var.name}-${each.key}-stale"
  log_group_name = each.value.log_group
  pattern        = "{ ($.event = \"access\") && ($.decision = \"deny\") && (($.reason = \"policyStale\") || ($.reason = \"crlStale\") || ($.reason = \"denyListStale\") || ($.reason = \"policyError\")) }"

  metric_transformation {
    namespace = "${local.namespace}/${each.key}"
    name      = "StaleDenials"
    value     = "1"
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.alarms.arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.email_addresses
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_kms_key" "alarms" {
  description             = "Alarms of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}
