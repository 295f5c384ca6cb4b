# Resource policies. They are written with jsonencode, so that a test can read what they say.

resource "aws_sns_topic_policy" "connections" {
  arn = aws_sns_topic.connections.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without the two conditions any account could have PrivateLink publish here for a service of its own.
        Sid       = "OurServiceNotifies"
        Effect    = "Allow"
        Principal = { Service = "vpce.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.connections.arn
        Condition = {
          ArnEquals    = { "aws:SourceArn" = aws_vpc_endpoint_service.this.arn }
          StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        }
      },
      {
        Sid       = "NothingInTheClear"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.connections.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_kms_key_policy" "connections" {
  key_id = aws_kms_key.connections.key_id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministersThroughIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # No condition on the source: whether SNS passes it on to KMS is not documented, and a condition that is never true
        # would lose every notification without a word.
        Sid       = "PrivateLinkPublishesToTheTopic"
        Effect    = "Allow"
        Principal = { Service = "vpce.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
      },
    ]
  })
}
