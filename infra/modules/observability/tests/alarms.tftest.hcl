mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  functions = {
    endpoint-approver = {
      function_name     = "linkward-endpoint-approver"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver"
      dead_letter_queue = "linkward-endpoint-approver-dead-letters"
    }
    certificate-revoker = {
      function_name     = "linkward-certificate-revoker"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-certificate-revoker"
      dead_letter_queue = "linkward-certificate-revoker-dead-letters"
    }
  }
  services = {
    invoices = {
      load_balancer_arn_suffix = "net/invoices/0123456789abcdef"
      target_group_arn_suffix  = "targetgroup/invoi-1/0123456789abcdef"
      log_group                = "/linkward/invoices"
    }
  }
  deployment_role_arns = ["arn:aws:iam::000000000000:role/deployment"]
  email_addresses      = ["oncall@example.com"]
}

run "everything_that_needs_a_person_has_an_alarm" {
  assert {
    condition = toset(output.alarm_names) == toset([
      "linkward-endpoint-approver-errors", "linkward-endpoint-approver-dead-letters", "linkward-endpoint-approver-waiting",
      "linkward-certificate-revoker-errors", "linkward-certificate-revoker-dead-letters", "linkward-certificate-revoker-waiting",
      "linkward-sweep-stopped", "linkward-removals-stopped", "linkward-policy-unavailable", "linkward-revocations-remaining",
      "linkward-invoices-no-target", "linkward-invoices-unhealthy-targets", "linkward-invoices-stale",
      "linkward-foreign-decisions", "linkward-foreign-changes",
    ])
    error_message = "an alarm is missing, or there is one that nobody described here"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && length(alarm.alarm_description) > 40])
    error_message = "every alarm reaches the topic and says what to do"
  }

  assert {
    condition     = aws_sns_topic_subscription.email["oncall@example.com"].topic_arn == aws_sns_topic.alarms.arn
    error_message = "somebody must hear it"
  }
}

run "silence_is_an_alarm_where_it_means_that_nothing_runs" {
  assert {
    condition = toset([for name, alarm in aws_cloudwatch_metric_alarm.this : name if alarm.treat_missing_data == "breaching"]) == toset([
      "sweep-stopped", "invoices-no-target",
    ])
    error_message = "a sweep that is not counted has not happened"
  }

  assert {
    condition     = alltrue([for name in ["sweep-stopped", "invoices-no-target"] : aws_cloudwatch_metric_alarm.this[name].comparison_operator == "LessThanThreshold"])
    error_message = "too little is what these two watch for"
  }
}

# An alarm on a metric that nobody publishes never rings.
run "our_metrics_are_those_that_the_functions_publish" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../functions/telemetry/src/metrics.rs"), "= \"${alarm.metric_name}\",")
      if alarm.namespace == "Linkward"
    ])
    error_message = "a metric is not in functions/telemetry/src/metrics.rs"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../functions/endpoint-approver/src/failure.rs"), "\"${alarm.dimensions["Reason"]}\"")
      if can(alarm.dimensions["Reason"])
    ])
    error_message = "a reason is not in functions/endpoint-approver/src/failure.rs"
  }
}

run "denials_by_our_own_failure_are_counted" {
  assert {
    condition = alltrue([
      for reason in ["policyStale", "crlStale", "denyListStale", "policyError"] : strcontains(aws_cloudwatch_log_metric_filter.stale["invoices"].pattern, "\"${reason}\"")
    ])
    error_message = "a stale snapshot shuts callers out and must be heard"
  }

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.stale["invoices"].log_group_name == "/linkward/invoices" &&
      aws_cloudwatch_log_metric_filter.stale["invoices"].metric_transformation[0].namespace == aws_cloudwatch_metric_alarm.this["invoices-stale"].namespace &&
      aws_cloudwatch_log_metric_filter.stale["invoices"].metric_transformation[0].name == aws_cloudwatch_metric_alarm.this["invoices-stale"].metric_name
    )
    error_message = "the alarm must watch what the filter counts"
  }
}

run "foreign_calls_are_everybodys_but_ours" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.foreign_call["decisions"].event_pattern).detail == {
      eventSource  = ["ec2.amazonaws.com"]
      eventName    = ["AcceptVpcEndpointConnections", "RejectVpcEndpointConnections"]
      userIdentity = { sessionContext = { sessionIssuer = { arn = [{ anything-but = ["arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver"] }, { exists = false }] } } }
    }
    error_message = "only the approver decides; a user without a role counts as foreign"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.foreign_call["changes"].event_pattern).detail.userIdentity.sessionContext.sessionIssuer.arn == [
      { anything-but = ["arn:aws:iam::000000000000:role/deployment"] }, { exists = false },
    ]
    error_message = "only deployments change services"
  }

  assert {
    condition     = alltrue([for name, target in aws_cloudwatch_event_target.foreign_call : target.arn == aws_cloudwatch_log_group.foreign_calls.arn])
    error_message = "the call itself must be kept"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["foreign-decisions"].dimensions["RuleName"] == "linkward-foreign-decisions"
    error_message = "the alarm must count the rule"
  }
}

run "the_topic_takes_alarms_of_this_account_only_and_can_be_written_although_encrypted" {
  assert {
    condition = jsondecode(aws_sns_topic_policy.alarms.policy).Statement == [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = {
        StringEquals = { "aws:SourceAccount" = "000000000000" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:linkward-*" }
      }
    }]
    error_message = "a false alarm is an attack too"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key_policy.alarms.policy).Statement : statement if statement.Sid == "AlarmsReachTheEncryptedTopic"
    ]).Principal.Service == "cloudwatch.amazonaws.com" && aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.alarms.arn
    error_message = "without the grant no alarm arrives"
  }
}

run "the_dashboard_shows_every_function_and_service" {
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 6
    error_message = "five widgets, and one for each service"
  }

  assert {
    condition = alltrue([
      for text in ["linkward-endpoint-approver", "linkward-certificate-revoker-dead-letters", "net/invoices/0123456789abcdef"] : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, text)
    ])
    error_message = "something is not shown"
  }

  assert {
    condition = length(distinct([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x}/${widget.y}"
    ])) == 6
    error_message = "no widget lies on another"
  }
}

run "a_control_plane_without_services_has_its_alarms_too" {
  variables {
    services = {}
  }

  assert {
    condition     = length(output.alarm_names) == 12 && length(aws_cloudwatch_log_metric_filter.stale) == 0
    error_message = "the first apply may come before the first service"
  }
}
