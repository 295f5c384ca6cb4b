# What the roles may do is written as documents, whose statements a plan shows even while ARNs are unknown (guardrails/README.md).

locals {
  assumed_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })

  # Secrets are referred to whole or by a key of their JSON (…:secret:NAME:KEY::); rights are for the whole.
  secret_arns = distinct([
    for arn in concat(values(try(var.files.secrets, {})), flatten([for api in local.apis : values(api.secrets)])) : join(":", slice(split(":", arn), 0, 7))
  ])
}

# What the runtime itself may do: read its tables, and what else its configuration names (configuration.tf).
resource "aws_iam_role" "task" {
  name               = "${var.name}-runtime"
  path               = "/linkward/"
  description        = "The runtime of ${var.name}"
  assume_role_policy = local.assumed_by_tasks
}

locals {
  task_statements = concat(
    [for tables in [local.policy_tables] : {
      Sid      = "ReadPolicy"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:Scan"]
      Resource = tables
    } if length(tables) > 0],
    [
      {
        Sid      = "ReadDenialsAndEndpoints"
        Effect   = "Allow"
        Action   = "dynamodb:Scan"
        Resource = [var.tables.deny-list, var.tables.endpoint-inventory]
      },
      {
        Sid      = "AskWhatChanged"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = ["${var.tables.deny-list}/index/byTime", "${var.tables.endpoint-inventory}/index/byTime"]
      },
      {
        Sid       = "UseTablesKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = var.tables.kms_key
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
      },
    ],
    [for profiles in [local.policy_profiles] : {
      Sid      = "ReadDeployedPolicy"
      Effect   = "Allow"
      Action   = ["appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"]
      Resource = profiles
    } if length(profiles) > 0],
    [for objects in [local.objects] : {
      Sid      = "ReadCrlsAndBundle"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = objects
    } if length(objects) > 0],
    [for secrets in [local.own_secrets] : {
      Sid      = "ReadOwnCertificate"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = secrets
    } if length(secrets) > 0],
    [for keys in [var.secret_kms_key_arns] : merge(local.use_secrets_keys, { Resource = keys }) if length(keys) > 0 && length(local.own_secrets) > 0],
  )

  use_secrets_keys = {
    Sid       = "UseSecretsKeys"
    Effect    = "Allow"
    Action    = "kms:Decrypt"
    Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "linkward-runtime"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.this["task"].json
}

# What ECS may do to start a task: pull the images, hand over the secrets, write the logs.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-runtime-execution"
  path               = "/linkward/"
  description        = "Starts tasks of ${var.name}"
  assume_role_policy = local.assumed_by_tasks
}

locals {
  execution_statements = concat(
    [
      {
        # Registries outside ECR, and this call, know no resource.
        Sid      = "EnterRegistry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:${local.partition}:ecr:${local.region}:*:repository/*"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
    ],
    length(local.secret_arns) == 0 ? [] : [{
      Sid      = "HandOverSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = local.secret_arns
    }],
    [for keys in [var.secret_kms_key_arns] : merge(local.use_secrets_keys, { Resource = keys }) if length(keys) > 0],
  )
}

# Their text. Statements say what they mean in one form, and a resource, an action or a value is one or a list.
data "aws_iam_policy_document" "this" {
  for_each = { task = local.task_statements, execution = local.execution_statements }

  dynamic "statement" {
    for_each = each.value
    content {
      sid       = statement.value.Sid
      effect    = statement.value.Effect
      actions   = flatten([statement.value.Action])
      resources = flatten([statement.value.Resource])

      dynamic "condition" {
        for_each = flatten([
          for test, variables in try(statement.value.Condition, {}) : [for variable, wanted in variables : { test = test, variable = variable, values = flatten([wanted]) }]
        ])
        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "linkward-execution"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.this["execution"].json
}

resource "aws_kms_key_policy" "logs" {
  key_id = aws_kms_key.logs.key_id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministersThroughIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogsOfTheService"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/linkward/${var.name}" } }
      },
    ]
  })
}
