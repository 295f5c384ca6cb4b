mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  endpoint_services = {
    invoices = {
      service_id             = "vpce-svc-0aaa"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:invoices-endpoint-connections"
    }
    reports = {
      service_id             = "vpce-svc-0bbb"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:reports-endpoint-connections"
    }
  }
  artifacts = {
    zips = {
      endpoint-approver   = "../../tests/fixtures/bootstrap.zip"
      certificate-revoker = "../../tests/fixtures/bootstrap.zip"
      certificate-rotator = "../../tests/fixtures/bootstrap.zip"
      posture-reporter    = "../../tests/fixtures/bootstrap.zip"
    }
  }
  certificates = {
    trust_domain  = "internal.example"
    lifetime_days = 15
    secrets = {
      orders  = { identity = "spiffe://internal.example/prod/orders-api", test_address = "api.internal.example:443" }
      billing = { identity = "spiffe://internal.example/prod/billing" }
    }
  }
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  consumer_account_ids = ["111122223333", "012345678901"]
  certificate_authorities = [
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new" },
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old" },
  ]
}

run "a_secret_for_each_caller_names_its_identity" {
  assert {
    condition     = aws_secretsmanager_secret.certificate["orders"].name == "linkward/certificates/orders" && aws_secretsmanager_secret.certificate["orders"].kms_key_id == aws_kms_key.this.arn
    error_message = "the rotator's rights are for this prefix and this key"
  }

  assert {
    condition = aws_secretsmanager_secret.certificate["orders"].tags == tomap({
      "linkward:identity" = "spiffe://internal.example/prod/orders-api", "linkward:test-address" = "api.internal.example:443"
    })
    error_message = "the rotator reads identity and test address from these tags"
  }

  assert {
    condition     = keys(aws_secretsmanager_secret.certificate["billing"].tags) == tolist(["linkward:identity"])
    error_message = "no test address, no tag"
  }
}

run "a_certificate_is_renewed_when_half_of_its_life_is_over" {
  assert {
    condition = alltrue([
      for rotation in aws_secretsmanager_secret_rotation.certificate :
      rotation.rotation_rules[0].automatically_after_days == 7 && rotation.rotation_lambda_arn == aws_lambda_function.this["certificate-rotator"].arn
    ])
    error_message = "of 15 days 7 are over, and 8 are left to mend a failed rotation"
  }

  assert {
    condition     = aws_lambda_permission.rotation.principal == "secretsmanager.amazonaws.com" && aws_lambda_permission.rotation.source_account == "000000000000"
    error_message = "Secrets Manager of another account must not start the rotator"
  }
}
