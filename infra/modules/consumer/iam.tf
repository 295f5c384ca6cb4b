# What EventBridge may do with our events: put them on the provider's bus, and nothing else.

resource "aws_iam_role" "forward" {
  name        = substr("${local.name}-forward", 0, 64)
  path        = "/linkward/"
  description = "Forwards CreateVpcEndpoint of ${var.api_name} to the provider"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnEquals    = { "aws:SourceArn" = aws_cloudwatch_event_rule.endpoint_requested.arn }
      }
    }]
  })
}

data "aws_iam_policy_document" "forward" {
  statement {
    sid       = "Forward"
    actions   = ["events:PutEvents"]
    resources = [var.provider_event_bus_arn]
  }
}

resource "aws_iam_role_policy" "forward" {
  name   = "linkward-forward"
  role   = aws_iam_role.forward.id
  policy = data.aws_iam_policy_document.forward.json
}
