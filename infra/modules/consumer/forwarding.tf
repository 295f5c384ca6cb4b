# CloudTrail's record of our CreateVpcEndpoint, sent on to the provider's bus, so that its approver runs now and not with the next sweep.
# The record only wakes the approver, which then asks EC2 itself. CloudTrail must record management events in this account.

locals {
  pattern = jsondecode(file("${path.module}/../../../events/create-vpc-endpoint/pattern.json"))

  # Narrowed to this service: what else this account connects to is not the provider's business.
  narrowed_pattern = merge(local.pattern, {
    detail = merge(local.pattern.detail, {
      requestParameters = { CreateVpcEndpointRequest = { ServiceName = [var.service_name] } }
    })
  })
}

resource "aws_cloudwatch_event_rule" "endpoint_requested" {
  name          = substr("${local.name}-requested", 0, 64)
  description   = "An endpoint of ${var.api_name} was asked for"
  event_pattern = jsonencode(local.narrowed_pattern)
}

resource "aws_cloudwatch_event_target" "provider_bus" {
  rule     = aws_cloudwatch_event_rule.endpoint_requested.name
  arn      = var.provider_event_bus_arn
  role_arn = aws_iam_role.forward.arn

  depends_on = [aws_iam_role_policy.forward]
}
