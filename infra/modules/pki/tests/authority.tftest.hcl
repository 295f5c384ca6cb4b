mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  common_name  = "Internal APIs"
  organization = "Example"
}

run "a_root_signs_itself" {
  assert {
    condition     = aws_acmpca_certificate_authority.this.type == "ROOT" && aws_acmpca_certificate.authority.certificate_authority_arn == aws_acmpca_certificate_authority.this.arn
    error_message = "without a parent the authority is its own"
  }

  assert {
    condition     = endswith(aws_acmpca_certificate.authority.template_arn, ":template/RootCACertificate/V1")
    error_message = "a root needs the root's template"
  }
}

run "keys_are_elliptic" {
  assert {
    condition = (
      aws_acmpca_certificate_authority.this.certificate_authority_configuration[0].key_algorithm == "EC_prime256v1" &&
      aws_acmpca_certificate_authority.this.certificate_authority_configuration[0].signing_algorithm == "SHA256WITHECDSA" &&
      aws_acmpca_certificate.authority.signing_algorithm == "SHA256WITHECDSA"
    )
    error_message = "the authority's key is P-256"
  }
}

run "revocations_are_published" {
  assert {
    condition = (
      aws_acmpca_certificate_authority.this.revocation_configuration[0].crl_configuration[0].enabled &&
      aws_acmpca_certificate_authority.this.revocation_configuration[0].crl_configuration[0].s3_object_acl == "BUCKET_OWNER_FULL_CONTROL" &&
      aws_acmpca_certificate_authority.this.revocation_configuration[0].crl_configuration[0].s3_bucket_name == aws_s3_bucket.crl.id
    )
    error_message = "an authority without a CRL cannot take anything back"
  }

  assert {
    condition     = output.crl_uri == "s3://${aws_s3_bucket.crl.id}/crl/01234567-89ab-cdef-0123-456789abcdef.crl"
    error_message = "the runtime must be told where the CRL lies"
  }

  assert {
    condition     = output.certificate_authority == { arn = aws_acmpca_certificate_authority.this.arn, crl_bucket_arn = aws_s3_bucket.crl.arn, crl_uri = output.crl_uri }
    error_message = "the control plane must be told authority and bucket"
  }
}

run "the_bucket_is_private_and_remembers" {
  assert {
    condition = (
      aws_s3_bucket_public_access_block.crl.block_public_acls && aws_s3_bucket_public_access_block.crl.block_public_policy &&
      aws_s3_bucket_public_access_block.crl.ignore_public_acls && aws_s3_bucket_public_access_block.crl.restrict_public_buckets
    )
    error_message = "nothing of it may be public"
  }

  assert {
    condition = (
      aws_s3_bucket_versioning.crl.versioning_configuration[0].status == "Enabled" &&
      one(aws_s3_bucket_server_side_encryption_configuration.crl.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" &&
      aws_s3_bucket_ownership_controls.crl.rule[0].object_ownership == "BucketOwnerEnforced"
    )
    error_message = "versioned, encrypted, without access lists"
  }
}

run "only_authorities_of_this_account_write" {
  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.crl.policy).Statement : statement if statement.Effect == "Allow"
      ]).Condition == {
      StringEquals = { "aws:SourceAccount" = "000000000000" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/*" }
    }
    error_message = "without the conditions another account's authority could write our CRL"
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.crl.policy).Statement : statement if statement.Effect == "Allow"
    ]).Principal == { Service = "acm-pca.amazonaws.com" }
    error_message = "nobody else is allowed anything"
  }
}
