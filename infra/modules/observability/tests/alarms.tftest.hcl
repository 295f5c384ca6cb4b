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
    certificate-rotator = {
      function_name     = "linkward-certificate-rotator"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-certificate-rotator"
      dead_letter_queue = "linkward-certificate-rotator-dead-letters"
    }
    posture-reporter = {
      function_name     = "linkward-posture-reporter"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-posture-reporter"
      dead_letter_queue = "linkward-posture-reporter-dead-letters"
    }
  }
  services = {
    invoices = {
      load_balancer_arn_suffix = "net/invoices/0123456789abcdef"
      target_group_arn_suffix  = "targetgroup/invoi-1/0123456789abcdef"
      log_group                = "/linkward/invoices"
      endpoint_service         = { id = "vpce-svc-0123456789abcdef0" }
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
      "linkward-certificate-rotator-errors", "linkward-certificate-rotator-dead-letters", "linkward-certificate-rotator-waiting",
      "linkward-posture-reporter-errors", "linkward-posture-reporter-dead-letters", "linkward-posture-reporter-waiting",
      "linkward-sweep-stopped", "linkward-removals-stopped", "linkward-policy-unavailable", "linkward-revocations-remaining",
      "linkward-invoices-no-target", "linkward-invoices-unhealthy-targets", "linkward-invoices-stale",
      "linkward-invoices-silent", "linkward-invoices-unknown-callers", "linkward-invoices-handshake-failures", "linkward-invoices-slow", "linkward-invoices-upstream-errors",
      "linkward-invoices-crl-ending", "linkward-invoices-certificate-ending", "linkward-invoices-deny-list-lag", "linkward-invoices-log-dropped",
      "linkward-invoices-policy-old", "linkward-invoices-deny-list-old", "linkward-invoices-endpoints-old", "linkward-invoices-trust-old",
      "linkward-invoices-shared-certificate-accounts", "linkward-invoices-shared-certificate-endpoints", "linkward-invoices-port-errors",
      "linkward-invoices-rejected-flows", "linkward-invoices-resets", "linkward-invoices-pending",
      "linkward-reporter-stopped", "linkward-certificate-expiring", "linkward-crl-ending", "linkward-rotation-failed",
      "linkward-foreign-decisions", "linkward-foreign-changes", "linkward-foreign-functions", "linkward-foreign-rules",
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
      "sweep-stopped", "invoices-no-target", "invoices-silent", "reporter-stopped",
    ])
    error_message = "a sweep that is not counted has not happened"
  }

  assert {
    condition     = alltrue([for name in ["sweep-stopped", "invoices-no-target", "invoices-silent", "reporter-stopped"] : aws_cloudwatch_metric_alarm.this[name].comparison_operator == "LessThanThreshold"])
    error_message = "too little is what these watch for"
  }
}

# An alarm on a metric that nobody publishes never rings.
run "our_metrics_are_those_that_functions_and_runtime_publish" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../functions/telemetry/src/metrics.rs"), "= \"${alarm.metric_name}\",")
      if alarm.namespace == "Linkward" && can(alarm.dimensions["Function"])
    ])
    error_message = "a metric is not in functions/telemetry/src/metrics.rs"
  }

  # By other dimensions there is no such metric.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : toset(keys(alarm.dimensions)) == toset(concat(["Function"], [
        for name in split(",", regex("\\| `${alarm.metric_name}` \\| [a-z]+ \\| [a-z]+ \\|([A-Za-z, ]*)\\|", file("../../../docs/METRICS.md"))[0]) : trimspace(name) if trimspace(name) != ""
      ]))
      if alarm.namespace == "Linkward" && can(alarm.dimensions["Function"])
    ])
    error_message = "a metric of a function has other dimensions in docs/METRICS.md"
  }

  # RequestDuration is request_duration there; its dimensions besides Service are the attributes.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : can(regex(
        "\\| `${lower(join("_", regexall("[A-Z][a-z]*", alarm.metric_name)))}` \\| (counter|gauge|histogram) \\| [a-z]+ \\| ${length(alarm.dimensions) > 1 || strcontains(file("../../../docs/METRICS.md"), "| `${lower(join("_", regexall("[A-Z][a-z]*", alarm.metric_name)))}` | gauge |") ? lower(join(", ", [for name in keys(alarm.dimensions) : name if name != "Service"])) : "[a-z, ]*"} \\|",
        file("../../../docs/METRICS.md")
      ))
      if alarm.namespace == "Linkward" && !can(alarm.dimensions["Function"])
    ])
    error_message = "a metric, or a dimension of it, is not in docs/METRICS.md"
  }

  assert {
    condition = alltrue([
      for name in flatten([for text in [aws_cloudwatch_dashboard.this.dashboard_body] : [regexall("MetricName=\\\\\"([A-Za-z]+)", text), regexall("\"Linkward\",\"([A-Za-z]+)\"", text)]]) :
      strcontains(file("../../../functions/telemetry/src/metrics.rs"), "= \"${name}\",") || strcontains(file("../../../docs/METRICS.md"), "| `${lower(join("_", regexall("[A-Z][a-z]*", name)))}` |")
    ])
    error_message = "the dashboard shows a metric that nobody publishes"
  }

  assert {
    condition     = length(regexall("MetricName=", aws_cloudwatch_dashboard.this.dashboard_body)) == length(regexall("MetricName=\\\\\"([A-Za-z]+)", aws_cloudwatch_dashboard.this.dashboard_body)) && length(regexall("\"Linkward\",\"([A-Za-z]+)\"", aws_cloudwatch_dashboard.this.dashboard_body)) >= 15
    error_message = "the test above has lost sight of metrics"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../functions/endpoint-approver/src/failure.rs"), "\"${alarm.dimensions["Reason"]}\"")
      if can(alarm.dimensions["Reason"]) && can(alarm.dimensions["Function"])
    ])
    error_message = "a reason is not in functions/endpoint-approver/src/failure.rs"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../policy/core/src/access.rs"), "\"${alarm.dimensions["Reason"]}\"")
      if can(alarm.dimensions["Reason"]) && can(alarm.dimensions["Service"])
    ])
    error_message = "a reason is not in policy/core/src/access.rs"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../api-runtime/src/connection/gate.rs"), "state(\"${alarm.dimensions["Kind"]}\", ") if can(alarm.dimensions["Kind"])])
    error_message = "a kind of snapshot is not in api-runtime/src/connection/gate.rs"
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
    condition = jsondecode(aws_cloudwatch_event_rule.foreign_call["functions"].event_pattern) == {
      source      = ["aws.lambda"]
      detail-type = ["AWS API Call via CloudTrail"]
      detail = {
        eventSource       = ["lambda.amazonaws.com"]
        eventName         = [for call in ["AddPermission", "DeleteFunction", "DeleteFunctionConcurrency", "PutFunctionConcurrency", "RemovePermission", "UpdateFunctionCode", "UpdateFunctionConfiguration"] : { prefix = call }]
        userIdentity      = { sessionContext = { sessionIssuer = { arn = [{ anything-but = ["arn:aws:iam::000000000000:role/deployment"] }, { exists = false }] } } }
        requestParameters = { functionName = [for name in ["certificate-revoker", "certificate-rotator", "endpoint-approver", "posture-reporter"] : { suffix = "linkward-${name}" }] }
      }
    }
    error_message = "only deployments change or stop our functions; others' are others' matter"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.foreign_call["rules"].event_pattern).detail.requestParameters == {
      "$or" = [{ name = [{ prefix = "linkward-" }] }, { rule = [{ prefix = "linkward-" }] }]
    } && contains(jsondecode(aws_cloudwatch_event_rule.foreign_call["rules"].event_pattern).detail.eventName, "DisableRule")
    error_message = "a function that nothing starts holds no gate"
  }

  assert {
    condition     = alltrue([for name in ["decisions", "changes"] : !can(jsondecode(aws_cloudwatch_event_rule.foreign_call[name].event_pattern).detail.requestParameters)])
    error_message = "every endpoint service of the account is watched"
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
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 18
    error_message = "five widgets, two of the inventories, eleven for each service"
  }

  assert {
    condition = alltrue([
      for text in ["linkward-endpoint-approver", "linkward-certificate-revoker-dead-letters", "net/invoices/0123456789abcdef", "vpce-svc-0123456789abcdef0"] : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, text)
    ])
    error_message = "something is not shown"
  }

  assert {
    condition = length(distinct([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x}/${widget.y}"
    ])) == 18
    error_message = "no widget lies on another"
  }
}

run "a_control_plane_without_services_has_its_alarms_too" {
  variables {
    services = {}
  }

  assert {
    condition     = length(output.alarm_names) == 24 && length(aws_cloudwatch_log_metric_filter.stale) == 0
    error_message = "the first apply may come before the first service"
  }
}

run "every_alarm_names_its_runbook" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : can(regex("docs/runbooks/[a-z-]+\\.md$", alarm.alarm_description)) &&
      fileexists("../../../${regex("docs/runbooks/[a-z-]+\\.md$", alarm.alarm_description)}")
    ])
    error_message = "an alarm without a page leaves whoever is woken alone"
  }

  assert {
    condition = fileset("../../../docs/runbooks", "*.md") == setunion(["README.md"], [
      for alarm in aws_cloudwatch_metric_alarm.this : basename(alarm.alarm_description)
    ])
    error_message = "a page is of no alarm"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : strcontains(file("../../../docs/runbooks/README.md"), "(${basename(alarm.alarm_description)})")
    ])
    error_message = "a page is not in the index"
  }
}

run "a_quantile_is_watched_as_one" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["invoices-slow"].extended_statistic == "p95" && aws_cloudwatch_metric_alarm.this["invoices-slow"].statistic == null &&
      aws_cloudwatch_metric_alarm.this["invoices-slow"].evaluation_periods == 3
    )
    error_message = "the sum of durations says nothing"
  }

  assert {
    condition     = length([for alarm in aws_cloudwatch_metric_alarm.this : alarm if alarm.extended_statistic == null && alarm.statistic == null]) == 0
    error_message = "every other alarm needs a statistic"
  }
}

run "failed_rotations_are_those_of_our_secrets" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.rotation_failed["this"].event_pattern).detail == {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = ["RotationFailed"]
      additionalEventData = { SecretId = [{ prefix = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:linkward/certificates/" }] }
    }
    error_message = "others' secrets are others' alarms"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["rotation-failed"].dimensions["RuleName"] == "linkward-rotation-failed"
    error_message = "the alarm must count the rule"
  }
}

run "nobody_watches_what_is_not_there" {
  variables {
    functions = {
      endpoint-approver = {
        function_name     = "linkward-endpoint-approver"
        role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver"
        dead_letter_queue = "linkward-endpoint-approver-dead-letters"
      }
    }
    services = {
      invoices = {
        load_balancer_arn_suffix = "net/invoices/0123456789abcdef"
        target_group_arn_suffix  = "targetgroup/invoi-1/0123456789abcdef"
        log_group                = "/linkward/invoices"
        embedded_metrics         = false
      }
    }
  }

  assert {
    condition = toset([for name in keys(aws_cloudwatch_metric_alarm.this) : name if startswith(name, "invoices-")]) == toset([
      "invoices-no-target", "invoices-unhealthy-targets", "invoices-stale", "invoices-rejected-flows", "invoices-port-errors",
    ])
    error_message = "numbers that do not come to CloudWatch can ring no alarm there"
  }

  assert {
    condition     = !anytrue([for name in ["reporter-stopped", "certificate-expiring", "crl-ending", "rotation-failed"] : contains(keys(aws_cloudwatch_metric_alarm.this), name)])
    error_message = "a function that is not there cannot stop"
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 9
    error_message = "five widgets, two of the access log, and two of the load balancer"
  }
}

# The same topics for Prometheus: names as api-runtime/src/metrics/prometheus.rs makes them of docs/METRICS.md.
run "grafana_shows_what_the_runtime_publishes" {
  assert {
    # A run must ask something of the configuration, and here it is only files that are compared.
    condition = aws_cloudwatch_dashboard.this.dashboard_name != "" && alltrue([
      for name in distinct(regexall("linkward_([a-z_]+)", file("../../dashboards/grafana.json"))[*][0]) :
      can(regex("\\| `${replace(name, "/(_seconds(_bucket|_sum|_count)?|_total)$/", "")}` \\| ${endswith(name, "_total") ? "counter" : can(regex("_(bucket|sum|count)$", name)) ? "histogram" : "gauge"} \\| ${strcontains(name, "_seconds") ? "seconds" : "count"} \\|", file("../../../docs/METRICS.md")))
    ])
    error_message = "a metric of the Grafana dashboard is not in docs/METRICS.md, or of another kind"
  }

  assert {
    condition = aws_cloudwatch_dashboard.this.dashboard_name != "" && alltrue([
      for page in flatten(regexall("docs/runbooks/([a-z-]+)\\.md", file("../../dashboards/grafana.json"))) : fileexists("../../../docs/runbooks/${page}.md")
    ])
    error_message = "a page that the Grafana dashboard names is not there"
  }

  assert {
    condition     = aws_cloudwatch_dashboard.this.dashboard_name != "" && length(jsondecode(file("../../dashboards/grafana.json")).panels) >= 20
    error_message = "the dashboard has lost its panels"
  }
}

# Names of fields as api-runtime/schema says them: letters and digits only, as Contributor Insights wants them.
run "denials_are_counted_by_identity_from_the_log" {
  assert {
    condition = jsondecode(aws_cloudwatch_contributor_insight_rule.this["invoices-denials"].rule_definition) == {
      Schema        = { Name = "CloudWatchLogRule", Version = 1 }
      LogGroupNames = ["/linkward/invoices"]
      LogFormat     = "JSON"
      Contribution = {
        Keys    = ["$.callerId", "$.reason"]
        Filters = [{ Match = "$.event", In = ["access"] }, { Match = "$.decision", In = ["deny", "auditDeny"] }]
      }
      AggregateOn = "Count"
    }
    error_message = "who is denied is told by name"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_contributor_insight_rule.this["invoices-handshakes"].rule_definition).Contribution.Filters == [{ Match = "$.event", In = ["handshakeFailure"] }]
    error_message = "whoever has no identity yet has an endpoint"
  }

  assert {
    condition = alltrue(flatten([
      for rule in aws_cloudwatch_contributor_insight_rule.this : [
        for key in jsondecode(rule.rule_definition).Contribution.Keys : can(jsondecode(file("../../../api-runtime/schema/access-log.schema.json")).properties[trimprefix(key, "$.")]) ||
        can(jsondecode(file("../../../api-runtime/schema/handshake-failure.schema.json")).properties[trimprefix(key, "$.")])
      ]
    ]))
    error_message = "the log has no such field"
  }

  assert {
    condition = length([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget if try(contains(keys(aws_cloudwatch_contributor_insight_rule.this), trimprefix(widget.properties.insightRule.ruleName, "linkward-")), false)
    ]) == 2
    error_message = "nobody sees the names"
  }
}

run "certificates_with_several_users_are_heard_of_by_both_signs" {
  assert {
    condition = alltrue([
      for sign in ["accounts", "endpoints"] : aws_cloudwatch_metric_alarm.this["invoices-shared-certificate-${sign}"].dimensions == tomap({ Service = "invoices", Sign = sign }) &&
      strcontains(file("../../../api-runtime/src/metrics/mod.rs"), "\"${sign}\"")
    ])
    error_message = "a gauge of parts has no sum: each sign has its own alarm"
  }
}
