# The authority that issues callers' certificates.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # The template fixes what a certificate authority's own certificate may do, whatever its request says. PathLen0: it issues
  # end-entity certificates and no further authorities.
  template = var.parent == null ? "RootCACertificate/V1" : "SubordinateCACertificate_PathLen0/V1"
}

resource "aws_acmpca_certificate_authority" "this" {
  type = var.parent == null ? "ROOT" : "SUBORDINATE"

  # As long as AWS allows: with a deleted authority every caller's certificate is worthless.
  permanent_deletion_time_in_days = 30

  # P-256, without a choice: what the runtime verifies fastest, and nothing weaker.
  certificate_authority_configuration {
    key_algorithm     = "EC_prime256v1"
    signing_algorithm = "SHA256WITHECDSA"

    subject {
      common_name  = var.common_name
      organization = var.organization
    }
  }

  revocation_configuration {
    crl_configuration {
      enabled            = true
      s3_bucket_name     = aws_s3_bucket.crl.id
      expiration_in_days = var.crl_days

      # AWS's default asks for a public object, which the bucket refuses.
      s3_object_acl = "BUCKET_OWNER_FULL_CONTROL"
    }
  }

  tags = { Name = var.name }

  # AWS tries the bucket when the authority is made.
  depends_on = [aws_s3_bucket_policy.crl, aws_s3_bucket_ownership_controls.crl, aws_s3_bucket_public_access_block.crl]
}

resource "aws_acmpca_certificate" "authority" {
  certificate_authority_arn   = var.parent == null ? aws_acmpca_certificate_authority.this.arn : var.parent.certificate_authority_arn
  certificate_signing_request = aws_acmpca_certificate_authority.this.certificate_signing_request
  signing_algorithm           = var.parent == null ? "SHA256WITHECDSA" : var.parent.signing_algorithm
  template_arn                = "arn:${local.partition}:acm-pca:::template/${local.template}"

  validity {
    type  = "YEARS"
    value = var.validity_years
  }
}

resource "aws_acmpca_certificate_authority_certificate" "this" {
  certificate_authority_arn = aws_acmpca_certificate_authority.this.arn
  certificate               = aws_acmpca_certificate.authority.certificate
  certificate_chain         = aws_acmpca_certificate.authority.certificate_chain
}
