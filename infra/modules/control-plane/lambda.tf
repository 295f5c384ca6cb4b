# Every entry of local.functions as a Lambda function with its log group and its dead-letter queue.

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = local.log_retention_days
  kms_key_id        = aws_kms_key.this.arn

  # CloudWatch Logs tries the key when the group is made.
  depends_on = [aws_kms_key_policy.this]
}

# Encrypted by SQS itself: a key of ours would need a grant for each service that writes here, and a forgotten one loses letters silently.
resource "aws_sqs_queue" "dead_letters" {
  for_each                  = local.functions
  name                      = "${var.name}-${each.key}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

locals {
  collector_environment = var.collector == null ? {} : merge(
    { OTEL_EXPORTER_OTLP_ENDPOINT = var.collector.endpoint },
    # As the layers of OpenTelemetry and of AWS call it.
    var.collector.configuration == null ? {} : { OPENTELEMETRY_COLLECTOR_CONFIG_URI = var.collector.configuration },
  )
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:They call AWS's APIs alone. A VPC would add endpoints to pay for, and a network that can fail.
  #checkov:skip=CKV_AWS_272:Who may deploy is said by the SCPs; signing needs a profile of the account's own, and is added by who has one.
  #checkov:skip=CKV_AWS_173:Names of tables and ARNs, no secret; encrypted with Lambda's own key.
  #checkov:skip=CKV_AWS_50:Spans are the functions' own, by OTLP to the collector that var.collector names.
  for_each = local.functions

  function_name = "${var.name}-${each.key}"
  description   = each.value.description
  role          = aws_iam_role.function[each.key].arn

  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.artifacts.architecture]
  filename         = try(var.artifacts.zips[each.key], null)
  source_code_hash = try(filebase64sha256(var.artifacts.zips[each.key]), null)

  timeout                        = each.value.timeout
  memory_size                    = each.value.memory
  reserved_concurrent_executions = each.value.concurrency
  layers                         = var.collector == null ? null : var.collector.layers

  environment {
    variables = merge(each.value.environment, local.collector_environment)
  }

  # Lambda gives up after two retries; what it gives up on lands here as it came.
  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters[each.key].arn
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  depends_on = [aws_iam_role_policy.function]

  lifecycle {
    precondition {
      condition     = toset(keys(var.artifacts.zips)) == toset(keys(local.functions))
      error_message = "artifacts.zips has exactly the keys ${join(", ", keys(local.functions))}."
    }
  }
}
