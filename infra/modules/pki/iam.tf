# Written with jsonencode, so that a test can read what it says.

resource "aws_s3_bucket_policy" "crl" {
  bucket = aws_s3_bucket.crl.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # AWS tries the bucket before the authority has an ARN: any authority, but of this account and Region.
        Sid       = "OurAuthoritiesPublish"
        Effect    = "Allow"
        Principal = { Service = "acm-pca.amazonaws.com" }
        Action    = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject", "s3:PutObjectAcl"]
        Resource  = [aws_s3_bucket.crl.arn, "${aws_s3_bucket.crl.arn}/*"]
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:acm-pca:${local.region}:${local.account}:certificate-authority/*" }
        }
      },
      {
        Sid       = "NothingInTheClear"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.crl.arn, "${aws_s3_bucket.crl.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.crl]
}
