# Whom the bus, the dead letters and the key let in. Written with jsonencode, so that a test can read what they say.

locals {
  # What an account's administrator could otherwise send for himself, identity policies being enough within an account.
  only = {
    OnlyOperatorsAsOperator = {
      source  = { StringEquals = { "events:source" = "linkward.operator" } }
      senders = var.operator_role_arns
    }
    OnlyFunctionsAsLinkward = {
      source  = { StringEquals = { "events:source" = "linkward" }, StringNotEquals = { "events:detail-type" = "Policy Changed" } }
      senders = local.function_role_arns
    }
    OnlyOperatorsAndFunctionsAnnouncePolicy = {
      source  = { StringEquals = { "events:source" = "linkward", "events:detail-type" = "Policy Changed" } }
      senders = concat(local.function_role_arns, var.operator_role_arns)
    }
  }
}

# --- the bus ----------------------------------------------------------------------------------------------------------

resource "aws_cloudwatch_event_bus_policy" "this" {
  event_bus_name = aws_cloudwatch_event_bus.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "OperatorsAsk"
          Effect    = "Allow"
          Principal = { AWS = var.operator_role_arns }
          Action    = "events:PutEvents"
          Resource  = aws_cloudwatch_event_bus.this.arn
          Condition = { StringEquals = { "events:source" = "linkward.operator" } }
        },
        {
          # What the publication of a new policy tells everybody.
          Sid       = "OperatorsAnnouncePolicy"
          Effect    = "Allow"
          Principal = { AWS = var.operator_role_arns }
          Action    = "events:PutEvents"
          Resource  = aws_cloudwatch_event_bus.this.arn
          Condition = { StringEquals = { "events:source" = "linkward", "events:detail-type" = "Policy Changed" } }
        },
      ],
      [
        # Consumers forward CloudTrail's record of CreateVpcEndpoint. Nobody can put an event with a source of AWS's by hand, and the
        # rule takes no other call: the worst a consumer can do is wake the approver.
        for statement in [{
          Sid       = "ConsumersForward"
          Effect    = "Allow"
          Principal = { AWS = [for account in sort(tolist(var.consumer_account_ids)) : "arn:${local.partition}:iam::${account}:root"] }
          Action    = "events:PutEvents"
          Resource  = aws_cloudwatch_event_bus.this.arn
          Condition = { StringEquals = { "events:source" = "aws.ec2", "events:detail-type" = "AWS API Call via CloudTrail" } }
        }] : statement if length(var.consumer_account_ids) > 0
      ],
      [
        for sid, rule in local.only : {
          Sid       = sid
          Effect    = "Deny"
          Principal = "*"
          Action    = "events:PutEvents"
          Resource  = aws_cloudwatch_event_bus.this.arn
          Condition = merge(rule.source, { ArnNotEquals = { "aws:PrincipalArn" = rule.senders } })
        }
      ],
    )
  })
}

# --- dead letters -----------------------------------------------------------------------------------------------------

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each  = local.functions
  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        for statement in [{
          Sid       = "RulesOfThisAccount"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = aws_sqs_queue.dead_letters[each.key].arn
          Condition = {
            ArnEquals = {
              "aws:SourceArn" = concat(
                [for event in each.value.events : aws_cloudwatch_event_rule.event[event].arn],
                [for name, rule in aws_cloudwatch_event_rule.schedule : rule.arn if name == each.key],
              )
            }
          }
        }] : statement if length(each.value.events) > 0 || each.value.schedule != null
      ],
      [
        for statement in [{
          Sid       = "TopicsOfTheServices"
          Effect    = "Allow"
          Principal = { Service = "sns.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = aws_sqs_queue.dead_letters[each.key].arn
          Condition = { ArnEquals = { "aws:SourceArn" = values(each.value.topics) } }
        }] : statement if length(each.value.topics) > 0
      ],
      [{
        Sid       = "NothingInTheClear"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.dead_letters[each.key].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
    )
  })
}

# --- the key ----------------------------------------------------------------------------------------------------------

resource "aws_kms_key_policy" "this" {
  key_id = aws_kms_key.this.key_id
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
        Sid       = "LogsOfTheFunctions"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-*" }
        }
      },
    ]
  })
}
