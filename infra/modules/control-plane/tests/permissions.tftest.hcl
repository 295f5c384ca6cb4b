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
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new", crl_uri = "s3://crl-new/crl/0aaa.crl" },
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old" },
  ]
}

run "the_approver_decides_about_our_services_only" {
  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement : tolist(statement.resources)
      if length([for action in statement.actions : action if startswith(action, "ec2:") && !startswith(action, "ec2:Describe")]) > 0
      ])) == toset([
      "arn:aws:ec2:eu-west-1:000000000000:vpc-endpoint-service/vpce-svc-0aaa", "arn:aws:ec2:eu-west-1:000000000000:vpc-endpoint-service/vpce-svc-0bbb",
    ])
    error_message = "accepting and rejecting must be limited to our services"
  }
}

run "the_revoker_revokes_at_our_authorities_only_and_may_publish_the_crl" {
  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["certificate-revoker"].statement : toset(statement.resources) if statement.sid == "Revoke"
    ]) == toset(var.certificate_authorities[*].arn)
    error_message = "revoking must be limited to our authorities"
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["certificate-revoker"].statement : toset(statement.resources) if statement.sid == "PublishCrl"
    ]) == toset(["arn:aws:s3:::crl-new/*", "arn:aws:s3:::crl-old/*"])
    error_message = "a revocation fails when its caller may not write the CRL"
  }
}

# The closed list of what is allowed on every resource, because AWS knows no narrower one.
run "a_star_is_the_exception" {
  assert {
    condition = toset(flatten([
      for policy in data.aws_iam_policy_document.this : [
        for statement in policy.statement : tolist(statement.actions) if contains(statement.resources, "*") && statement.sid != "SeeNetwork"
      ]
    ])) == toset(["cloudwatch:PutMetricData", "ec2:DescribeVpcEndpointConnections", "ec2:DescribeVpcEndpointServicePermissions", "organizations:ListParents"])
    error_message = "another action is allowed on every resource"
  }

  assert {
    condition = alltrue(flatten([
      for policy in data.aws_iam_policy_document.this : [
        for statement in policy.statement : [for action in statement.actions : !strcontains(action, "*") || startswith(action, "kms:")]
      ]
    ]))
    error_message = "actions are named one by one"
  }

  assert {
    condition = alltrue(flatten([
      for policy in data.aws_iam_policy_document.this : [
        for statement in policy.statement : one(statement.condition).variable == "cloudwatch:namespace" && one(statement.condition).test == "StringEquals" && one(statement.condition).values == tolist(["Linkward"]) if statement.sid == "PublishMetrics"
      ]
    ]))
    error_message = "metrics are limited to our namespace"
  }
}

run "each_function_touches_only_its_tables" {
  assert {
    condition = !anytrue(flatten([
      for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement :
      [for action in statement.actions : startswith(action, "acm-pca:") || startswith(action, "s3:")]
    ]))
    error_message = "the approver has no business with certificates"
  }

  assert {
    condition = !anytrue(flatten([
      for statement in data.aws_iam_policy_document.this["certificate-revoker"].statement :
      [for action in statement.actions : startswith(action, "ec2:") || startswith(action, "appconfig:")]
    ]))
    error_message = "the revoker has no business with endpoints"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this["posture-reporter"].statement : tolist(statement.actions)
      if !contains(["WriteLogs", "PublishMetrics", "PublishAuditEvents", "KeepDeadLetters", "UseTablesKey"], statement.sid)
    ])) == toset(["dynamodb:Scan", "s3:GetObject"])
    error_message = "the reporter reads, and changes nothing"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this["endpoint-approver"].statement :
      [for action in statement.actions : action if startswith(action, "dynamodb:")]
    ])) == toset(["dynamodb:BatchWriteItem", "dynamodb:GetItem", "dynamodb:Scan"])
    error_message = "the approver calls these three and no others"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this["certificate-revoker"].statement : tolist(statement.actions) if statement.sid == "WriteDenyList"
    ])) == toset(["dynamodb:PutItem", "dynamodb:UpdateItem"])
    error_message = "a denial is withdrawn, never deleted"
  }
}

run "operators_cannot_write_the_deny_list_past_the_revoker" {
  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["operator"].statement : statement.resources if statement.sid == "WritePolicy"
    ]) == toset([aws_dynamodb_table.this["access-policy"].arn])
    error_message = "operators write the access policy and no other table"
  }

  assert {
    condition = length(flatten([
      for statement in data.aws_iam_policy_document.this["operator"].statement : [for action in statement.actions : action if strcontains(action, "Put") || strcontains(action, "Write") || strcontains(action, "Update") || strcontains(action, "Delete")]
      if !contains(["WritePolicy", "Ask"], statement.sid)
    ])) == 0
    error_message = "everything else is reading"
  }

  assert {
    condition = flatten([
      for statement in data.aws_iam_policy_document.this["operator"].statement : tolist(statement.resources) if contains(statement.actions, "lambda:InvokeFunction")
    ]) == ["arn:aws:lambda:eu-west-1:000000000000:function:linkward-endpoint-approver"]
    error_message = "a revocation goes over the bus, which knows who asks; the approver may be asked for a dry run"
  }
}

run "the_doctor_may_look_and_nothing_more" {
  # What it asks, from its own sources; who one is may be asked by everybody.
  assert {
    condition = length(setsubtract(
      toset(flatten([
        for file in fileset("../../../operator/src/doctor", "*.rs") : [
          for match in regexall("query\\(&(EC2|ELB|SNS|IAM), \"([A-Za-z]+)\"", file("../../../operator/src/doctor/${file}")) :
          "${ { EC2 = "ec2", ELB = "elasticloadbalancing", SNS = "sns", IAM = "iam" }[match[0]]}:${match[1]}"
        ]
      ])),
      toset(flatten([for statement in data.aws_iam_policy_document.this["operator"].statement : tolist(statement.actions)])),
    )) == 0
    error_message = "the operator's policy lacks something that `linkward doctor` asks"
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this["operator"].statement : [for action in statement.actions : can(regex(":(Describe|List|Get|Simulate)", action))]
      if anytrue([contains(statement.resources, "*"), startswith(statement.sid, "See"), statement.sid == "TryPermissions"])
    ]))
    error_message = "looking changes nothing"
  }

  assert {
    condition     = !anytrue([for statement in data.aws_iam_policy_document.this["operator"].statement : statement.sid == "DeployPolicy"])
    error_message = "the policy is in the table: nothing is deployed by AppConfig"
  }
}

run "a_policy_in_appconfig_is_deployed_by_operators" {
  variables {
    policy = { source = "appconfig:abc1234/env1234/pro1234" }
  }

  assert {
    condition = one([for statement in data.aws_iam_policy_document.this["operator"].statement : statement.resources if statement.sid == "DeployPolicy"]) == toset([
      "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234", "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/*",
      "arn:aws:appconfig:eu-west-1:000000000000:deploymentstrategy/*",
    ])
    error_message = "this application's profile, by any strategy"
  }

  # What `policy push` calls, from its own sources.
  assert {
    condition = length(setsubtract(
      toset(flatten([
        for file in setunion(fileset("../../../operator/src", "aws/*.rs"), fileset("../../../operator/src", "access_policy/push/*.rs")) : [
          for match in regexall("\"((?:List|Get|Start|Create)(?:Applications|Environments|ConfigurationProfiles|Deployments?|DeploymentStrategies|HostedConfigurationVersions?))\"", file("../../../operator/src/${file}")) : "appconfig:${match[0]}"
        ]
      ])),
      toset(flatten([for statement in data.aws_iam_policy_document.this["operator"].statement : tolist(statement.actions)])),
    )) == 0
    error_message = "the operator's policy lacks something that `linkward policy push` calls"
  }
}

run "dead_letters_take_from_our_rules_and_topics_only" {
  assert {
    condition = alltrue(flatten([
      for policy in aws_sqs_queue_policy.dead_letters : [
        for statement in jsondecode(policy.policy).Statement : length(statement.Condition.ArnEquals["aws:SourceArn"]) > 0 if statement.Effect == "Allow"
      ]
    ]))
    error_message = "a queue open to a service is open to every account of it"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_sqs_queue_policy.dead_letters["endpoint-approver"].policy).Statement : toset(statement.Condition.ArnEquals["aws:SourceArn"])
      if statement.Sid == "TopicsOfTheServices"
    ]) == toset([for service in var.endpoint_services : service.notification_topic_arn])
    error_message = "what a topic cannot deliver must be allowed into the queue"
  }
}

run "the_key_serves_our_logs_and_no_others" {
  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key_policy.this.policy).Statement : statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"]
      if statement.Sid == "LogsOfTheFunctions"
    ]) == "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/lambda/linkward-*"
    error_message = "the logs service may use the key for the functions' groups only"
  }
}

# functions/*/iam.json is the function's own word; this module only says what its placeholders stand for.
run "functions_may_do_what_their_own_files_say" {
  assert {
    condition = alltrue(flatten([
      for name, document in data.aws_iam_policy_document.this : [
        for statement in jsondecode(file("../../../functions/${name}/iam.json")).Statement :
        one([for granted in document.statement : granted.actions if granted.sid == statement.Sid]) == toset(flatten([statement.Action]))
        # Their placeholders stand for nothing here: the policy is in the table.
        if !contains(["ReadBundledPolicy", "ReadDeployedPolicy"], statement.Sid)
      ] if name != "operator"
    ]))
    error_message = "a statement of a functions/*/iam.json is missing or differs"
  }

  assert {
    condition     = !strcontains(jsonencode([for document in data.aws_iam_policy_document.this : document.statement]), "$")
    error_message = "a placeholder was not replaced"
  }
}

run "the_rotator_issues_from_the_first_authority_and_for_our_secrets_only" {
  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this["certificate-rotator"].statement : statement.resources == toset([var.certificate_authorities[0].arn])
      if anytrue([for action in statement.actions : startswith(action, "acm-pca:")])
    ])
    error_message = "the old authority of a rollover must not issue"
  }

  assert {
    condition = one(one([
      for statement in data.aws_iam_policy_document.this["certificate-rotator"].statement : statement.condition if contains(statement.actions, "secretsmanager:PutSecretValue")
    ])).values == tolist(["arn:aws:lambda:eu-west-1:000000000000:function:linkward-certificate-rotator"])
    error_message = "only secrets that name the rotator as theirs are its business"
  }
}
