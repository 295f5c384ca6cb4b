# Who is denied, by name: identities are no dimensions of metrics, for they would cost without bound and the caller chooses them. The access log has
# them, and CloudWatch counts the most frequent itself.

locals {
  insights = {
    denials = {
      log_fields = ["callerId", "reason"]
      event      = "access"
      decisions  = ["deny", "auditDeny"]
    }
    handshakes = {
      log_fields = ["endpointId", "cause"]
      event      = "handshakeFailure"
      decisions  = []
    }
  }

  insight_rules = merge([for name, service in var.services : {
    for key, insight in local.insights : "${name}-${key}" => merge(insight, { log_group = service.log_group })
  }]...)
}

resource "aws_cloudwatch_contributor_insight_rule" "this" {
  for_each   = local.insight_rules
  rule_name  = "${var.name}-${each.key}"
  rule_state = "ENABLED"
  rule_definition = jsonencode({
    Schema        = { Name = "CloudWatchLogRule", Version = 1 }
    LogGroupNames = [each.value.log_group]
    LogFormat     = "JSON"
    Contribution = {
      Keys = [for field in each.value.log_fields : "$.${field}"]
      Filters = concat(
        [{ Match = "$.event", In = [each.value.event] }],
        [for decisions in [each.value.decisions] : { Match = "$.decision", In = decisions } if length(decisions) > 0],
      )
    }
    AggregateOn = "Count"
  })
}
