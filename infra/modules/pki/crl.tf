# The bucket of the CRL: private, read by the runtime with s3://, written by AWS.

locals {
  # AWS's name for a complete CRL.
  crl_uri = "s3://${aws_s3_bucket.crl.id}/crl/${reverse(split("/", aws_acmpca_certificate_authority.this.arn))[0]}.crl"
}

resource "aws_s3_bucket" "crl" {
  #checkov:skip=CKV_AWS_18:A CRL is read by everybody who checks certificates, every few seconds; who reads it says nothing.
  #checkov:skip=CKV2_AWS_62:The authority announces each CRL itself (ACM Private CA CRL Generation).
  #checkov:skip=CKV_AWS_144:The authority publishes it anew; the runtime keeps the last good one until nextUpdate.
  #checkov:skip=CKV_AWS_145:Encrypted by S3 itself, so that no missing grant of a key stops AWS from publishing (below).
  bucket = "${var.name}-crl-${local.account}-${local.region}"
}

resource "aws_s3_bucket_public_access_block" "crl" {
  bucket                  = aws_s3_bucket.crl.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "crl" {
  bucket = aws_s3_bucket.crl.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# A CRL is no secret: encrypted by S3 itself, so that no missing grant of a key stops AWS from publishing it.
resource "aws_s3_bucket_server_side_encryption_configuration" "crl" {
  bucket = aws_s3_bucket.crl.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# Each CRL replaces the last one; the earlier ones tell what was revoked when.
resource "aws_s3_bucket_versioning" "crl" {
  bucket = aws_s3_bucket.crl.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "crl" {
  bucket = aws_s3_bucket.crl.id

  rule {
    id     = "earlier-crls"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 365
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.crl]
}
