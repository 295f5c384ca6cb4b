mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  endpoint_services = {
    invoices = {
      service_id             = "vpce-svc-0aaa"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:invoices-endpoint-connections"
    }
    reports = {
      service_id             = "vpce-svc-0bbb"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:reports-endpoint-connections"
    }
  }
  artifacts = {
    zips = {
      endpoint-approver   = "../../tests/fixtures/bootstrap.zip"
      certificate-revoker = "../../tests/fixtures/bootstrap.zip"
      certificate-rotator = "../../tests/fixtures/bootstrap.zip"
    }
  }
  certificates         = { trust_domain = "internal.example" }
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  consumer_account_ids = ["111122223333", "012345678901"]
  certificate_authorities = [
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new" },
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old" },
  ]
}

run "functions_run_our_binaries" {
  assert {
    condition     = toset(keys(aws_lambda_function.this)) == toset(["certificate-revoker", "certificate-rotator", "endpoint-approver"])
    error_message = "there must be one function for each entry of the map"
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.this :
      function.runtime == "provided.al2023" && function.handler == "bootstrap" && function.architectures == tolist(["arm64"])
    ])
    error_message = "functions are bootstrap binaries for arm64"
  }

  assert {
    condition     = aws_lambda_function.this["endpoint-approver"].reserved_concurrent_executions == 1
    error_message = "two approvers at once would each spend the cap on removals"
  }
}

run "functions_are_told_exactly_what_the_design_says" {
  assert {
    condition = aws_lambda_function.this["endpoint-approver"].environment[0].variables == tomap({
      LINKWARD_MODE                     = "enforce"
      LINKWARD_POLICY_SOURCE            = "dynamodb:linkward-access-policy"
      LINKWARD_SERVICE_IDS              = "vpce-svc-0aaa,vpce-svc-0bbb"
      LINKWARD_REMOVAL_GRACE            = "15m"
      LINKWARD_MAX_REMOVALS             = "5"
      LINKWARD_ENDPOINT_INVENTORY_TABLE = "linkward-endpoint-inventory"
      LINKWARD_EVENT_BUS                = "linkward"
    })
    error_message = "the approver's environment is not what it reads"
  }

  assert {
    condition = aws_lambda_function.this["certificate-revoker"].environment[0].variables == tomap({
      LINKWARD_MODE                        = "enforce"
      LINKWARD_DENY_LIST_TABLE             = "linkward-deny-list"
      LINKWARD_CERTIFICATE_INVENTORY_TABLE = "linkward-certificate-inventory"
      LINKWARD_CERTIFICATE_AUTHORITY_ARNS  = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa,arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb"
      LINKWARD_EVENT_BUS                   = "linkward"
    })
    error_message = "the revoker's environment is not what it reads"
  }

  assert {
    condition = aws_lambda_function.this["certificate-rotator"].environment[0].variables == tomap({
      LINKWARD_MODE                        = "enforce"
      LINKWARD_TRUST_DOMAIN                = "internal.example"
      LINKWARD_CERTIFICATE_LIFETIME        = "14d"
      LINKWARD_CERTIFICATE_INVENTORY_TABLE = "linkward-certificate-inventory"
      LINKWARD_CERTIFICATE_AUTHORITY_ARNS  = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa,arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb"
      LINKWARD_EVENT_BUS                   = "linkward"
    })
    error_message = "the rotator's environment is not what it reads"
  }
}

# The functions refuse to start with a variable that they do not know; their list is in one place.
run "no_variable_is_unknown_to_the_functions" {
  assert {
    condition = alltrue(flatten([
      for function in aws_lambda_function.this :
      [for name in keys(function.environment[0].variables) : strcontains(file("../../../functions/telemetry/src/variables.rs"), "\"${name}\"")]
    ]))
    error_message = "a LINKWARD_ variable is not in functions/telemetry/src/variables.rs"
  }
}

run "a_policy_from_appconfig_is_read_with_the_rights_for_it" {
  variables {
    policy_source = "appconfig:abc1234/env1234/pro1234"
    mode          = "audit"
    removal       = { grace = "0s", max = 0 }
  }

  assert {
    condition     = aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_POLICY_SOURCE"] == "appconfig:abc1234/env1234/pro1234"
    error_message = "the source must be passed on as written"
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.function["endpoint-approver"].statement :
      statement.resources == toset(["arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/environment/env1234/configuration/pro1234"])
      if statement.sid == "ReadDeployedPolicy"
    ])
    error_message = "the approver must be allowed to read this one profile"
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.this : function.environment[0].variables["LINKWARD_MODE"] == "audit"
    ])
    error_message = "audit must reach every function"
  }

  assert {
    condition = (
      aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_REMOVAL_GRACE"] == "0s" &&
      aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_MAX_REMOVALS"] == "0"
    )
    error_message = "grace and cap must reach the approver, zero included"
  }
}

run "nothing_is_lost_without_a_trace" {
  assert {
    condition = alltrue([
      for name, function in aws_lambda_function.this : function.dead_letter_config[0].target_arn == aws_sqs_queue.dead_letters[name].arn
    ])
    error_message = "every function needs its dead letters"
  }

  assert {
    condition = alltrue([
      for target in concat(values(aws_cloudwatch_event_target.event), values(aws_cloudwatch_event_target.schedule)) : length(target.dead_letter_config) == 1
    ])
    error_message = "every rule's target needs dead letters"
  }

  assert {
    condition     = alltrue([for subscription in aws_sns_topic_subscription.topic : can(jsondecode(subscription.redrive_policy).deadLetterTargetArn)])
    error_message = "every subscription needs dead letters"
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead_letters : queue.sqs_managed_sse_enabled && queue.message_retention_seconds == 1209600])
    error_message = "dead letters are encrypted and kept for fourteen days"
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.function : group.retention_in_days == 365 && group.kms_key_id == aws_kms_key.this.arn])
    error_message = "logs are encrypted and end some day"
  }
}

run "the_approver_is_woken_by_every_signal" {
  assert {
    condition = toset([for key, target in aws_cloudwatch_event_target.event : key if target.target_id == "endpoint-approver"]) == toset([
      "endpoint-approver/endpoint-sweep-requested", "endpoint-approver/create-vpc-endpoint", "endpoint-approver/policy-deployed",
    ])
    error_message = "an event of the approver is missing"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule["endpoint-approver"].schedule_expression == "rate(5 minutes)" && length(aws_cloudwatch_event_rule.schedule) == 1
    error_message = "the sweep must be scheduled, and nothing else"
  }

  # What the schedule sends is what events/scheduled-sweep promises.
  assert {
    condition = (
      contains(jsondecode(file("../../../${aws_cloudwatch_event_rule.schedule["endpoint-approver"].description}/pattern.json")).source, "aws.events") &&
      jsondecode(file("../../../${aws_cloudwatch_event_rule.schedule["endpoint-approver"].description}/pattern.json"))["detail-type"] == ["Scheduled Event"]
    )
    error_message = "events/scheduled-sweep no longer describes a scheduled rule"
  }

  assert {
    condition = toset([for subscription in aws_sns_topic_subscription.topic : subscription.topic_arn]) == toset([
      "arn:aws:sns:eu-west-1:000000000000:invoices-endpoint-connections", "arn:aws:sns:eu-west-1:000000000000:reports-endpoint-connections",
    ])
    error_message = "the approver must hear the topic of every service"
  }
}

run "rules_match_what_events_say_on_the_bus_where_it_arrives" {
  assert {
    condition = alltrue([
      for event, rule in aws_cloudwatch_event_rule.event : jsondecode(rule.event_pattern) == jsondecode(file("../../../events/${event}/pattern.json"))
    ])
    error_message = "a rule's pattern must be the one of events/"
  }

  assert {
    condition = { for event, rule in aws_cloudwatch_event_rule.event : event => rule.event_bus_name } == {
      certificate-denial-withdrawn     = "linkward"
      certificate-revocation-requested = "linkward"
      create-vpc-endpoint              = "linkward"
      endpoint-sweep-requested         = "linkward"
      policy-deployed                  = "default"
    }
    error_message = "AWS's own events come over the default bus, ours and forwarded ones over ours"
  }

  assert {
    condition = alltrue([
      for key, target in aws_cloudwatch_event_target.event : target.event_bus_name == aws_cloudwatch_event_rule.event[split("/", key)[1]].event_bus_name
    ])
    error_message = "a target on another bus than its rule never fires"
  }
}

run "only_our_rules_and_topics_may_invoke" {
  assert {
    condition = alltrue([
      for permission in concat(values(aws_lambda_permission.event), values(aws_lambda_permission.schedule), values(aws_lambda_permission.topic)) :
      permission.source_arn != null && contains(["events.amazonaws.com", "sns.amazonaws.com"], permission.principal)
    ])
    error_message = "a permission without its source lets any account's rules invoke"
  }
}
