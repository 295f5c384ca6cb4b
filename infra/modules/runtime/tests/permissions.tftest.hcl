mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name       = "invoices"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0aaa", "subnet-0bbb"]
  image      = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  load_balancer = {
    security_group_id  = "sg-0fff"
    target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
    arn_suffix         = "net/invoices/0123456789abcdef"
    availability_zones = ["eu-west-1a", "eu-west-1b"]
    cidr_blocks        = ["10.0.1.0/24", "10.0.2.0/24"]
    tls_port           = 8443
    health_port        = 8080
  }
  tables = {
    access-policy      = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-access-policy"
    deny-list          = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list"
    endpoint-inventory = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory"
    kms_key            = "arn:aws:kms:eu-west-1:000000000000:key/0aaa"
  }
  configuration = yamldecode(<<-YAML
    tls: { minVersion: "1.3", maxClientCertificateLifetime: 30d }
    identity: { trustDomain: internal.example }
    policy: { mode: audit }
    denyList: { refresh: 2s }
  YAML
  )
  files = {
    image = "public.ecr.aws/docker/library/busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    secrets = {
      "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-server-abcdef:certificate::"
      "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-server-abcdef:privateKey::"
      "ca.crt"     = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:trust-anchors-abcdef"
    }
  }
  api = {
    image       = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/invoices@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    port        = 9000
    environment = { LOG_LEVEL = "info" }
    secrets     = { DATABASE_URL = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-database-abcdef" }
  }
}

run "the_runtime_reads_its_tables_and_nothing_else" {
  assert {
    condition = toset([for statement in data.aws_iam_policy_document.this["task"].statement : "${statement.sid}: ${join(", ", statement.actions)}"]) == toset([
      "ReadPolicy: dynamodb:GetItem, dynamodb:Scan",
      "ReadDenialsAndEndpoints: dynamodb:Scan",
      "AskWhatChanged: dynamodb:Query",
      "UseTablesKey: kms:Decrypt, kms:DescribeKey",
    ])
    error_message = "the runtime reads, and only tables"
  }

  assert {
    condition = !anytrue([
      for statement in data.aws_iam_policy_document.this["task"].statement : contains(statement.resources, "*")
    ])
    error_message = "nothing is allowed on every resource"
  }
}

run "ecs_hands_over_these_secrets_and_no_others" {
  variables {
    secret_kms_key_arns = ["arn:aws:kms:eu-west-1:000000000000:key/0bbb"]
  }

  assert {
    condition = toset(one([
      for statement in data.aws_iam_policy_document.this["execution"].statement : statement.resources if statement.sid == "HandOverSecrets"
      ])) == toset([
      "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-server-abcdef",
      "arn:aws:secretsmanager:eu-west-1:000000000000:secret:trust-anchors-abcdef",
      "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-database-abcdef",
    ])
    error_message = "the secrets of files and API, each once and whole"
  }

  assert {
    condition = one(one([
      for statement in data.aws_iam_policy_document.this["execution"].statement : statement.condition if statement.sid == "UseSecretsKeys"
    ])).values == tolist(["secretsmanager.eu-west-1.amazonaws.com"])
    error_message = "keys are used through Secrets Manager only"
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this["execution"].statement : tolist(statement.actions) if contains(statement.resources, "*")
    ])) == toset(["ecr:GetAuthorizationToken"])
    error_message = "only the call that knows no resource is allowed on all"
  }
}

run "the_roles_are_assumed_by_tasks_of_this_account" {
  assert {
    condition = alltrue([
      for role in [aws_iam_role.task, aws_iam_role.execution] :
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "000000000000"
    ])
    error_message = "tasks of another account must not assume them"
  }
}

run "a_policy_from_appconfig_is_read_with_the_rights_for_it" {
  variables {
    configuration = {
      tls      = {}
      identity = { trustDomain = "internal.example" }
      policy   = { source = "appconfig:abc1234/env1234/pro1234" }
    }
  }

  assert {
    condition = toset(one([
      for statement in data.aws_iam_policy_document.this["task"].statement : statement.resources if statement.sid == "ReadDeployedPolicy"
    ])) == toset(["arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/environment/env1234/configuration/pro1234"])
    error_message = "the runtime must be allowed to read this one profile"
  }

  assert {
    condition     = !contains([for statement in data.aws_iam_policy_document.this["task"].statement : statement.sid], "ReadPolicy")
    error_message = "a table that it does not read is none of its business"
  }
}

run "a_policy_from_another_table_is_read_there" {
  variables {
    configuration = {
      tls      = {}
      identity = { trustDomain = "internal.example" }
      policy   = { source = "dynamodb:policies" }
    }
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["task"].statement : statement.resources if statement.sid == "ReadPolicy"
    ]) == toset(["arn:aws:dynamodb:eu-west-1:000000000000:table/policies"])
    error_message = "the table that was named, and not ours"
  }
}

run "a_policy_from_a_table_by_its_arn_is_read_there" {
  variables {
    configuration = {
      tls      = {}
      identity = { trustDomain = "internal.example" }
      policy   = { source = "dynamodb:arn:aws:dynamodb:eu-west-1:111122223333:table/policies" }
    }
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["task"].statement : statement.resources if statement.sid == "ReadPolicy"
    ]) == toset(["arn:aws:dynamodb:eu-west-1:111122223333:table/policies"])
    error_message = "the table that was named, in its account"
  }
}

run "what_comes_from_s3_and_secrets_manager_is_read_with_the_rights_for_it" {
  variables {
    secret_kms_key_arns = ["arn:aws:kms:eu-west-1:000000000000:key/0bbb"]
    configuration = {
      tls = {
        certificateChain = "secretsmanager:arn:aws:secretsmanager:eu-west-1:000000000000:secret:server-abcdef"
        privateKey       = "secretsmanager:arn:aws:secretsmanager:eu-west-1:000000000000:secret:server-abcdef"
        crls             = ["s3://crls/crl/0aaa.crl", "https://crl.example/0bbb.crl", "/run/linkward/0ccc.crl"]
      }
      identity = { trustDomain = "internal.example" }
      policy   = { source = "bundle:s3://policies/linkward/bundle.tar.gz" }
    }
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.this["task"].statement : statement.sid => [tolist(statement.actions), tolist(statement.resources)]
      if !contains(["ReadDenialsAndEndpoints", "AskWhatChanged", "UseTablesKey"], statement.sid)
      } == {
      ReadCrlsAndBundle  = [tolist(["s3:GetObject"]), tolist(["arn:aws:s3:::crls/crl/0aaa.crl", "arn:aws:s3:::policies/linkward/bundle.tar.gz"])]
      ReadOwnCertificate = [tolist(["secretsmanager:GetSecretValue"]), tolist(["arn:aws:secretsmanager:eu-west-1:000000000000:secret:server-abcdef"])]
      UseSecretsKeys     = [tolist(["kms:Decrypt"]), tolist(["arn:aws:kms:eu-west-1:000000000000:key/0bbb"])]
    }
    error_message = "these objects, this secret once, and its key"
  }
}

run "a_secret_by_its_name_is_this_accounts" {
  variables {
    configuration = {
      tls      = { privateKey = "secretsmanager:invoices/server" }
      identity = { trustDomain = "internal.example" }
    }
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["task"].statement : statement.resources if statement.sid == "ReadOwnCertificate"
    ]) == toset(["arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices/server-??????"])
    error_message = "AWS puts six characters after the name"
  }
}

# What a policy in a file, a bundle on the web and files as certificates need of AWS: nothing.
run "nothing_is_allowed_for_what_does_not_come_from_aws" {
  variables {
    secret_kms_key_arns = ["arn:aws:kms:eu-west-1:000000000000:key/0bbb"]
    configuration = {
      tls      = { crls = ["https://crl.example/0bbb.crl"] }
      identity = { trustDomain = "internal.example" }
      policy   = { source = "bundle:https://policies.example/bundle.tar.gz" }
    }
  }

  assert {
    condition = toset([for statement in data.aws_iam_policy_document.this["task"].statement : statement.sid]) == toset([
      "ReadDenialsAndEndpoints", "AskWhatChanged", "UseTablesKey",
    ])
    error_message = "a right that nothing needs is one that somebody else may use"
  }
}

run "logs_are_encrypted_and_end_some_day" {
  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == aws_kms_key.logs.arn && aws_cloudwatch_log_group.this.retention_in_days == 365 && aws_kms_key.logs.enable_key_rotation
    error_message = "access logs name callers"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key_policy.logs.policy).Statement : statement.Condition.ArnEquals["kms:EncryptionContext:aws:logs:arn"] if statement.Sid == "LogsOfTheService"
    ]) == "arn:aws:logs:eu-west-1:000000000000:log-group:/linkward/invoices"
    error_message = "the key serves this group only"
  }
}
