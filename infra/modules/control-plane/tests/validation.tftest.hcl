# Every validation refuses what it is for.

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
  certificates         = { trust_domain = "internal.example" }
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  consumer_account_ids = ["111122223333", "012345678901"]
  certificate_authorities = [
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new" },
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old" },
  ]
}

run "name_of_the_default_bus" {
  command = plan

  variables {
    name = "default"
  }

  expect_failures = [var.name]
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Linkward"
  }

  expect_failures = [var.name]
}

run "name_too_long_for_rules" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrstuvwxy"
  }

  expect_failures = [var.name]
}

run "no_endpoint_service" {
  command = plan

  variables {
    endpoint_services = {}
  }

  expect_failures = [var.endpoint_services]
}

run "service_by_its_name" {
  command = plan

  variables {
    endpoint_services = { invoices = { service_id = "com.amazonaws.vpce.eu-west-1.vpce-svc-0aaa", notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:topic" } }
  }

  expect_failures = [var.endpoint_services]
}

run "topic_by_its_name" {
  command = plan

  variables {
    endpoint_services = { invoices = { service_id = "vpce-svc-0aaa", notification_topic_arn = "topic" } }
  }

  expect_failures = [var.endpoint_services]
}

run "service_with_a_name_no_statement_can_have" {
  command = plan

  variables {
    endpoint_services = { "invoices/v1" = { service_id = "vpce-svc-0aaa", notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:topic" } }
  }

  expect_failures = [var.endpoint_services]
}

run "artifact_missing" {
  command = plan

  variables {
    artifacts = { zips = { endpoint-approver = "../../tests/fixtures/bootstrap.zip" } }
  }

  expect_failures = [aws_lambda_function.this]
}

run "artifact_of_an_unknown_function" {
  command = plan

  variables {
    artifacts = { zips = { endpoint-approver = "../../tests/fixtures/bootstrap.zip", certificate-revoker = "../../tests/fixtures/bootstrap.zip", certificate-printer = "../../tests/fixtures/bootstrap.zip" } }
  }

  expect_failures = [aws_lambda_function.this]
}

run "artifact_not_built" {
  command = plan

  variables {
    artifacts = { zips = { endpoint-approver = "../../tests/fixtures/bootstrap.zip", certificate-revoker = "../../tests/fixtures/absent.zip" } }
  }

  expect_failures = [var.artifacts]
}

run "artifact_that_is_no_zip" {
  command = plan

  variables {
    artifacts = { zips = { endpoint-approver = "../../tests/fixtures/bootstrap.zip", certificate-revoker = "../../tests/fixtures/access.yaml" } }
  }

  expect_failures = [var.artifacts]
}

run "architecture_of_a_pi" {
  command = plan

  variables {
    artifacts = { zips = { endpoint-approver = "../../tests/fixtures/bootstrap.zip", certificate-revoker = "../../tests/fixtures/bootstrap.zip" }, architecture = "armv7" }
  }

  expect_failures = [var.artifacts]
}

run "nobody_to_operate" {
  command = plan

  variables {
    operator_role_arns = []
  }

  expect_failures = [var.operator_role_arns]
}

run "everybody_in_the_account_as_operator" {
  command = plan

  variables {
    operator_role_arns = ["arn:aws:iam::000000000000:root"]
  }

  expect_failures = [var.operator_role_arns]
}

run "roles_by_wildcard_as_operator" {
  command = plan

  variables {
    operator_role_arns = ["arn:aws:iam::000000000000:role/*"]
  }

  expect_failures = [var.operator_role_arns]
}

run "user_as_operator" {
  command = plan

  variables {
    operator_role_arns = ["arn:aws:iam::000000000000:user/alice"]
  }

  expect_failures = [var.operator_role_arns]
}

run "consumer_that_is_no_account" {
  command = plan

  variables {
    consumer_account_ids = ["*"]
  }

  expect_failures = [var.consumer_account_ids]
}

run "no_certificate_authority" {
  command = plan

  variables {
    certificate_authorities = []
  }

  expect_failures = [var.certificate_authorities]
}

run "certificate_in_place_of_an_authority" {
  command = plan

  variables {
    certificate_authorities = [{ arn = "arn:aws:acm:eu-west-1:000000000000:certificate/0aaa", crl_bucket_arn = "arn:aws:s3:::crl" }]
  }

  expect_failures = [var.certificate_authorities]
}

run "crl_bucket_with_a_path" {
  command = plan

  variables {
    certificate_authorities = [{ arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl/*" }]
  }

  expect_failures = [var.certificate_authorities]
}

run "policy_source_that_is_a_file" {
  command = plan

  variables {
    policy = { source = "file:access.yaml" }
  }

  expect_failures = [var.policy]
}

run "policy_source_by_names_of_appconfig" {
  command = plan

  variables {
    policy = { source = "appconfig:linkward/production/access-policy" }
  }

  expect_failures = [var.policy]
}

run "policy_in_a_bundle_over_plain_http" {
  command = plan

  variables {
    policy = { source = "bundle:http://policies.example/bundle.tar.gz" }
  }

  expect_failures = [var.policy]
}

run "policy_in_a_bundle_behind_a_password" {
  command = plan

  variables {
    policy = { source = "bundle:https://me:secret@policies.example/bundle.tar.gz" }
  }

  expect_failures = [var.policy]
}

run "verification_key_without_a_bundle" {
  command = plan

  variables {
    policy = { verification_key = "policy.pem" }
  }

  expect_failures = [var.policy]
}

run "verification_key_of_this_machine" {
  command = plan

  variables {
    policy = { source = "bundle:s3://policies/bundle.tar.gz", verification_key = "/home/me/policy.pem" }
  }

  expect_failures = [var.policy]
}

run "crl_of_another_scheme" {
  command = plan

  variables {
    certificate_authorities = [{
      arn            = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa"
      crl_bucket_arn = "arn:aws:s3:::crl-new"
      crl_uri        = "http://crl.example/0aaa.crl"
    }]
  }

  expect_failures = [var.certificate_authorities]
}

run "mode_off" {
  command = plan

  variables {
    mode = "off"
  }

  expect_failures = [var.mode]
}

run "grace_without_a_unit" {
  command = plan

  variables {
    removal = { grace = "15" }
  }

  expect_failures = [var.removal]
}

run "cap_below_zero" {
  command = plan

  variables {
    removal = { max = -1 }
  }

  expect_failures = [var.removal]
}

run "cap_of_half_a_connection" {
  command = plan

  variables {
    removal = { max = 0.5 }
  }

  expect_failures = [var.removal]
}

run "cap_beyond_what_the_approver_takes" {
  command = plan

  variables {
    removal = { max = 100001 }
  }

  expect_failures = [var.removal]
}

run "sweep_once_a_day" {
  command = plan

  variables {
    sweep_schedule = "rate(1 day)"
  }

  expect_failures = [var.sweep_schedule]
}

run "sweep_every_two_hours" {
  command = plan

  variables {
    sweep_schedule = "rate(120 minutes)"
  }

  expect_failures = [var.sweep_schedule]
}

run "no_trust_domain" {
  command = plan

  variables {
    certificates = { trust_domain = "" }
  }

  expect_failures = [var.certificates]
}

run "certificates_for_a_day" {
  command = plan

  variables {
    certificates = { trust_domain = "internal.example", lifetime_days = 1 }
  }

  expect_failures = [var.certificates]
}

run "certificates_for_a_year" {
  command = plan

  variables {
    certificates = { trust_domain = "internal.example", lifetime_days = 365 }
  }

  expect_failures = [var.certificates]
}

run "identity_of_another_trust_domain" {
  command = plan

  variables {
    certificates = { trust_domain = "internal.example", secrets = { a = { identity = "spiffe://other.example/prod/a" } } }
  }

  expect_failures = [var.certificates]
}

run "secret_with_a_path" {
  command = plan

  variables {
    certificates = { trust_domain = "internal.example", secrets = { "a/b" = { identity = "spiffe://internal.example/prod/a" } } }
  }

  expect_failures = [var.certificates]
}

run "collector_that_nothing_brings" {
  command = plan

  variables {
    collector = { layers = [] }
  }

  expect_failures = [var.collector]
}

run "collector_of_no_version" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector"] }
  }

  expect_failures = [var.collector]
}

run "collector_elsewhere" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector:1"], endpoint = "http://collector.internal.example:4318" }
  }

  expect_failures = [var.collector]
}

run "collector_by_a_name_that_begins_like_loopback" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector:1"], endpoint = "http://127.0.0.1.example:4318" }
  }

  expect_failures = [var.collector]
}

run "collector_with_encryption_that_the_functions_do_not_speak" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector:1"], endpoint = "https://127.0.0.1:4318" }
  }

  expect_failures = [var.collector]
}

run "collector_configured_from_elsewhere" {
  command = plan

  variables {
    collector = { layers = ["arn:aws:lambda:eu-west-1:000000000000:layer:collector:1"], configuration = "https://example.com/collector.yaml" }
  }

  expect_failures = [var.collector]
}
