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

# What the runtime itself may do: read its tables.
resource "aws_iam_role" "task" {
  name               = "${var.name}-runtime"
  path               = "/linkward/"
  description        = "The runtime of ${var.name}"
  assume_role_policy = local.assumed_by_tasks
}

locals {
  task_statements = concat(
    [
      {
        Sid      = "ReadPolicy"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:Scan"]
        Resource = var.tables.access-policy
      },
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
    local.appconfig == null ? [] : [{
      Sid      = "ReadDeployedPolicy"
      Effect   = "Allow"
      Action   = ["appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"]
      Resource = "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${local.appconfig[0]}/environment/${local.appconfig[1]}/configuration/${local.appconfig[2]}"
    }],
  )
}

data "aws_iam_policy_document" "task" {
  dynamic "statement" {
    for_each = local.task_statements
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

resource "aws_iam_role_policy" "task" {
  name   = "linkward-runtime"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
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
    length(var.secret_kms_key_arns) == 0 ? [] : [{
      Sid       = "UseSecretsKeys"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.secret_kms_key_arns
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
    }],
  )
}

data "aws_iam_policy_document" "execution" {
  dynamic "statement" {
    for_each = local.execution_statements
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
  policy = data.aws_iam_policy_document.execution.json
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
