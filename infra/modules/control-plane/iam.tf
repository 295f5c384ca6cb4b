# What roles may do: the functions', the operators'. Written as documents, whose statements a plan shows even while ARNs are unknown
# (guardrails/README.md). Policies of resources are in resource_policies.tf.

locals {
  # By name, not by reference: the bus policy names the roles, and the roles' policies name the bus.
  role_path          = "/linkward/"
  function_role_arns = [for name in keys(local.functions) : "arn:${local.partition}:iam::${local.account}:role${local.role_path}${var.name}-${name}"]
}

# --- the functions ----------------------------------------------------------------------------------------------------

resource "aws_iam_role" "function" {
  for_each    = local.functions
  name        = "${var.name}-${each.key}"
  path        = local.role_path
  description = each.value.description
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# What every function may do beside its own statements (functions.tf).
locals {
  shared_statements = {
    for name in keys(local.functions) : name => [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function[name].arn}:*"
      },
      {
        # CloudWatch knows no resource for metrics; the namespace is what narrows it.
        Sid       = "PublishMetrics"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = "*"
        Condition = { StringEquals = { "cloudwatch:namespace" = "Linkward" } }
      },
      {
        Sid       = "PublishAuditEvents"
        Effect    = "Allow"
        Action    = ["events:PutEvents"]
        Resource  = aws_cloudwatch_event_bus.this.arn
        Condition = { StringEquals = { "events:source" = "linkward" } }
      },
      {
        Sid      = "KeepDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.dead_letters[name].arn
      },
      {
        Sid       = "UseTablesKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = aws_kms_key.this.arn
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
      },
    ]
  }
}

# functions/NAME/iam.json with its placeholders replaced, in Resource and in conditions, once for each value: what is unknown stays within the
# resource, and the plan shows everything else. A statement whose placeholders stand for nothing is left out.
locals {
  documents = { for name in keys(local.functions) : name => jsondecode(file("${path.module}/../../../functions/${name}/iam.json")).Statement }

  placeholder = "\\$\\{([a-z_]+)\\}"

  documented_statements = {
    for name, function in local.functions : name => [
      for statement in local.documents[name] : merge(statement, {
        Resource = flatten([
          for resource in flatten([statement.Resource]) : [
            for value in(can(regex(local.placeholder, resource)) ? function.resources[regex(local.placeholder, resource)[0]] : [""]) :
            replace(resource, "/${local.placeholder}/", value)
          ]
        ])
        Condition = {
          for test, variables in try(statement.Condition, {}) : test => {
            for variable, wanted in variables : variable => flatten([
              for text in flatten([wanted]) : [
                for value in(can(regex(local.placeholder, text)) ? function.resources[regex(local.placeholder, text)[0]] : [""]) :
                replace(text, "/${local.placeholder}/", value)
              ]
            ])
          }
        }
      })
    ]
  }

  statements = {
    for name, function in local.functions : name => concat(
      [for statement in local.documented_statements[name] : statement if length(statement.Resource) > 0],
      function.statements,
      [for statement in local.shared_statements[name] : statement if !contains(concat(local.documents[name], function.statements)[*].Sid, statement.Sid)],
    )
  }
}

# Their text, and the operators'. A resource, an action or a value is one or a list.
data "aws_iam_policy_document" "this" {
  for_each = merge(local.statements, { operator = local.operator_statements })

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

resource "aws_iam_role_policy" "function" {
  for_each = local.functions
  name     = "linkward-${each.key}"
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.this[each.key].json
}

# --- operators --------------------------------------------------------------------------------------------------------

# What the operator's tool needs. The bus policy says who may ask; this says what else he may touch: read what is known, write the policy.
# The deny list is not his to write: a denial goes through the revoker, which leaves a trace.
locals {
  function_arns = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-"

  operator_statements = concat(
    [
      {
        Sid       = "Ask"
        Effect    = "Allow"
        Action    = "events:PutEvents"
        Resource  = aws_cloudwatch_event_bus.this.arn
        Condition = { StringEquals = { "events:source" = ["linkward", "linkward.operator"] } }
      },
      {
        # `linkward endpoints list --live`: the approver alone, of which nobody gets more than over the bus. By name, for a function waits for these documents.
        Sid      = "AskForDryRun"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = "${local.function_arns}endpoint-approver"
      },
      {
        Sid      = "ReadTables"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]
        Resource = flatten([for table in aws_dynamodb_table.this : [table.arn, "${table.arn}/index/*"]])
      },
      {
        Sid      = "WritePolicy"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        Resource = aws_dynamodb_table.this["access-policy"].arn
      },
      {
        Sid       = "UseTablesKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = aws_kms_key.this.arn
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
      },
    ],
    local.doctor_statements,
    # `linkward policy push --to appconfig:…`: a version, and its deployment.
    [for appconfig in [local.appconfig] : {
      Sid    = "DeployPolicy"
      Effect = "Allow"
      Action = [
        "appconfig:CreateHostedConfigurationVersion", "appconfig:GetDeployment", "appconfig:GetHostedConfigurationVersion", "appconfig:ListConfigurationProfiles",
        "appconfig:ListDeployments", "appconfig:ListEnvironments", "appconfig:ListHostedConfigurationVersions", "appconfig:StartDeployment",
      ]
      Resource = [
        "${local.appconfig_arn}:application/${appconfig[1]}", "${local.appconfig_arn}:application/${appconfig[1]}/*", "${local.appconfig_arn}:deploymentstrategy/*",
      ]
    } if startswith(local.source, "appconfig:")],
    [for profiles in [local.appconfig_configuration] : {
      Sid      = "ReadDeployedPolicy"
      Effect   = "Allow"
      Action   = ["appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"]
      Resource = profiles
    } if startswith(local.source, "appconfig:")],
  )

  # `linkward doctor` looks, and changes nothing.
  doctor_statements = [
    {
      # AWS knows no resource for these.
      Sid    = "SeeNetwork"
      Effect = "Allow"
      Action = [
        "appconfig:ListApplications", "appconfig:ListDeploymentStrategies", "ec2:DescribeVpcEndpointConnectionNotifications", "ec2:DescribeVpcEndpointConnections",
        "ec2:DescribeVpcEndpointServiceConfigurations", "ec2:DescribeVpcEndpoints", "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
      ]
      Resource = "*"
    },
    {
      Sid      = "SeeFunctions"
      Effect   = "Allow"
      Action   = "lambda:GetFunctionConfiguration"
      Resource = "${local.function_arns}*"
    },
    {
      Sid      = "TryPermissions"
      Effect   = "Allow"
      Action   = "iam:SimulatePrincipalPolicy"
      Resource = local.function_role_arns
    },
    {
      Sid      = "SeeRules"
      Effect   = "Allow"
      Action   = ["events:ListRules", "events:ListTargetsByRule"]
      Resource = "arn:${local.partition}:events:${local.region}:${local.account}:rule/*"
    },
    {
      Sid      = "SeeNotifications"
      Effect   = "Allow"
      Action   = ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"]
      Resource = values(var.endpoint_services)[*].notification_topic_arn
    },
    {
      Sid      = "SeeAuthorities"
      Effect   = "Allow"
      Action   = "acm-pca:DescribeCertificateAuthority"
      Resource = var.certificate_authorities[*].arn
    },
  ]
}

resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  path        = local.role_path
  description = "Attach it to the operator roles"
  policy      = data.aws_iam_policy_document.this["operator"].json
}
