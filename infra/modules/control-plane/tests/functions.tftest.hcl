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
      posture-reporter    = "../../tests/fixtures/bootstrap.zip"
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
    condition     = toset(keys(aws_lambda_function.this)) == toset(["certificate-revoker", "certificate-rotator", "endpoint-approver", "posture-reporter"])
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

  assert {
    condition = aws_lambda_function.this["posture-reporter"].environment[0].variables == tomap({
      LINKWARD_POLICY_SOURCE               = "dynamodb:linkward-access-policy"
      LINKWARD_ENDPOINT_INVENTORY_TABLE    = "linkward-endpoint-inventory"
      LINKWARD_DENY_LIST_TABLE             = "linkward-deny-list"
      LINKWARD_CERTIFICATE_INVENTORY_TABLE = "linkward-certificate-inventory"
      LINKWARD_EVENT_BUS                   = "linkward"
    })
    error_message = "the reporter's environment is not what it reads"
  }
}

# With everything said that can be said. What is left unset on purpose stands here with its reason.
run "every_variable_that_a_function_reads_is_set" {
  variables {
    policy = { source = "bundle:s3://policies/linkward.tar.gz", verification_key = "policy.pem" }
    certificate_authorities = [
      { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new", crl_uri = "s3://crl-new/crl/0aaa.crl" },
    ]
  }

  assert {
    condition = toset(flatten([
      for name, function in aws_lambda_function.this : [
        for file in fileset("../../../functions/${name}/src", "**/*.rs") : [
          for match in regexall("variables::([A-Z_]+)", file("../../../functions/${name}/src/${file}")) : "${name} LINKWARD_${match[0]}"
          if !contains(keys(function.environment[0].variables), "LINKWARD_${match[0]}")
        ]
      ]
      ])) == toset([
      # The trust domain is told, so that nothing is issued by a policy that somebody could change, however it is signed; an address is a tag
      # of its secret; one certificate an hour for an identity, the default, is what the alarms are for.
      "certificate-rotator LINKWARD_ISSUANCE_WINDOW",
      "certificate-rotator LINKWARD_POLICY_SOURCE",
      "certificate-rotator LINKWARD_POLICY_VERIFICATION_KEY",
      "certificate-rotator LINKWARD_TLS_TEST_ADDRESS",
    ])
    error_message = "a function reads a LINKWARD_ variable that this module never sets; or sets one that stands here as unset on purpose"
  }

  # The above finds what it looks for.
  assert {
    condition = alltrue([
      for name in keys(aws_lambda_function.this) : contains(flatten([
        for file in fileset("../../../functions/${name}/src", "**/*.rs") : regexall("variables::(EVENT_BUS)", file("../../../functions/${name}/src/${file}"))
      ]), "EVENT_BUS")
    ])
    error_message = "functions no longer name their variables as `variables::NAME`"
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
    policy  = { source = "appconfig:abc1234/env1234/pro1234" }
    mode    = "audit"
    removal = { grace = "0s", max = 0 }
  }

  assert {
    condition     = aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_POLICY_SOURCE"] == "appconfig:abc1234/env1234/pro1234"
    error_message = "the source must be passed on as written"
  }

  assert {
    condition     = aws_lambda_function.this["posture-reporter"].environment[0].variables["LINKWARD_POLICY_SOURCE"] == "appconfig:abc1234/env1234/pro1234"
    error_message = "the reporter must know which deployments are ours"
  }

  assert {
    condition     = aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_ACCESS_POLICY_TABLE"] == "linkward-access-policy"
    error_message = "the freeze switch stays in the table"
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement :
      statement.resources == toset(["arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/environment/env1234/configuration/pro1234"])
      if statement.sid == "ReadDeployedPolicy"
    ])
    error_message = "the approver must be allowed to read this one profile"
  }

  assert {
    condition = alltrue([
      for name, function in aws_lambda_function.this : function.environment[0].variables["LINKWARD_MODE"] == "audit" if name != "posture-reporter"
    ])
    error_message = "audit must reach every function that changes anything"
  }

  assert {
    condition = (
      aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_REMOVAL_GRACE"] == "0s" &&
      aws_lambda_function.this["endpoint-approver"].environment[0].variables["LINKWARD_MAX_REMOVALS"] == "0"
    )
    error_message = "grace and cap must reach the approver, zero included"
  }
}

run "a_bundle_from_a_bucket_is_read_with_the_right_for_it_and_its_signature_checked" {
  variables {
    policy = { source = "bundle:s3://policies/linkward/bundle.tar.gz", verification_key = "keys/policy.pem" }
  }

  assert {
    condition = alltrue([
      for name in ["endpoint-approver", "posture-reporter"] :
      aws_lambda_function.this[name].environment[0].variables["LINKWARD_POLICY_SOURCE"] == "bundle:s3://policies/linkward/bundle.tar.gz" &&
      aws_lambda_function.this[name].environment[0].variables["LINKWARD_POLICY_VERIFICATION_KEY"] == "keys/policy.pem"
    ])
    error_message = "whoever reads the policy needs its source and the key that it is signed with"
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement : statement.resources if statement.sid == "ReadBundledPolicy"
    ]) == toset(["arn:aws:s3:::policies/linkward/bundle.tar.gz"])
    error_message = "the approver must be allowed to read this one object"
  }

  assert {
    condition     = !contains([for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement : statement.sid], "ReadDeployedPolicy")
    error_message = "it has no business with AppConfig"
  }
}

run "a_bundle_from_the_web_needs_no_right" {
  variables {
    policy = { source = "bundle:https://policies.internal.example/linkward.tar.gz" }
  }

  assert {
    condition = (
      !contains([for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement : statement.sid], "ReadBundledPolicy") &&
      !contains(keys(aws_lambda_function.this["endpoint-approver"].environment[0].variables), "LINKWARD_POLICY_VERIFICATION_KEY")
    )
    error_message = "neither a bucket nor a key was named"
  }
}

run "crls_that_are_named_are_watched" {
  variables {
    certificate_authorities = [
      { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new", crl_uri = "s3://crl-new/crl/0aaa.crl" },
      { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old", crl_uri = "s3://crl-old/crl/0bbb.crl" },
      { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0ccc", crl_bucket_arn = "arn:aws:s3:::crl-none" },
    ]
  }

  assert {
    condition     = aws_lambda_function.this["posture-reporter"].environment[0].variables["LINKWARD_CRL_LOCATIONS"] == "s3://crl-new/crl/0aaa.crl,s3://crl-old/crl/0bbb.crl"
    error_message = "the reporter must watch every CRL that is named, the old authority's too"
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["posture-reporter"].statement : statement.resources if statement.sid == "ReadCrls"
    ]) == toset(["arn:aws:s3:::crl-new/crl/0aaa.crl", "arn:aws:s3:::crl-old/crl/0bbb.crl"])
    error_message = "it may read these objects and no others"
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
    condition     = aws_cloudwatch_event_rule.schedule["endpoint-approver"].schedule_expression == "rate(5 minutes)"
    error_message = "the sweep must be scheduled"
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

run "the_reporter_measures_on_its_schedule_and_counts_every_change" {
  variables {
    sweep_schedule = "rate(1 minute)"
  }

  assert {
    condition = { for name, rule in aws_cloudwatch_event_rule.schedule : name => rule.schedule_expression } == {
      endpoint-approver = "rate(1 minute)", posture-reporter = "rate(5 minutes)",
    }
    error_message = "alarms look every five minutes, however often the approver sweeps"
  }

  assert {
    condition     = aws_cloudwatch_event_target.schedule["posture-reporter"].arn == aws_lambda_function.this["posture-reporter"].arn && aws_lambda_permission.schedule["posture-reporter"].principal == "events.amazonaws.com"
    error_message = "its schedule must start it"
  }

  # Everything that is said on the bus as `linkward`, and what AWS says: what events/README.md names beside it.
  assert {
    condition = toset([for key in keys(aws_cloudwatch_event_target.event) : trimprefix(key, "posture-reporter/") if startswith(key, "posture-reporter/")]) == setunion(
      toset([for pattern in fileset("../../../events", "*/pattern.json") : dirname(pattern) if jsondecode(file("../../../events/${pattern}")).source == ["linkward"]]),
      ["certificate-authority-changed", "policy-deployed"],
    )
    error_message = "a change that the reporter does not hear of is not counted"
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
      certificate-authority-changed    = "default"
      certificate-denial-withdrawn     = "linkward"
      certificate-revocation-requested = "linkward"
      certificate-revoked              = "linkward"
      certificate-rotated              = "linkward"
      create-vpc-endpoint              = "linkward"
      endpoint-accepted                = "linkward"
      endpoint-held                    = "linkward"
      endpoint-rejected                = "linkward"
      endpoint-sweep-requested         = "linkward"
      policy-changed                   = "linkward"
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

run "nothing_is_traced_unless_a_collector_is_named" {
  command = plan

  assert {
    condition = alltrue([
      for function in aws_lambda_function.this : !contains(keys(function.environment[0].variables), "OTEL_EXPORTER_OTLP_ENDPOINT") && length(coalesce(function.layers, [])) == 0
    ])
    error_message = "a function without a collector sends no spans"
  }
}

run "every_function_has_the_collector" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector:7"], configuration = "/var/task/collector.yaml" }
  }

  assert {
    condition = length(aws_lambda_function.this) == 4 && alltrue([
      for function in aws_lambda_function.this :
      function.environment[0].variables.OTEL_EXPORTER_OTLP_ENDPOINT == "http://127.0.0.1:4318"
      && function.environment[0].variables.OPENTELEMETRY_COLLECTOR_CONFIG_URI == "/var/task/collector.yaml"
      && contains(keys(function.environment[0].variables), "LINKWARD_EVENT_BUS")
      && function.layers == tolist(["arn:aws:lambda:eu-west-1:000000000000:layer:collector:7"])
    ])
    error_message = "each function needs the layer, and is told where it listens"
  }
}
