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

run "tables_have_the_keys_that_the_code_uses" {
  assert {
    condition = { for name, table in aws_dynamodb_table.this : name => table.hash_key } == {
      access-policy         = "pk"
      certificate-inventory = "serialNumber"
      deny-list             = "pk"
      endpoint-inventory    = "endpointId"
    }
    error_message = "a table has another key than its readers and writers use"
  }

  assert {
    condition = alltrue([
      for name in ["deny-list", "endpoint-inventory"] :
      one(aws_dynamodb_table.this[name].global_secondary_index).name == "byTime" &&
      one(aws_dynamodb_table.this[name].global_secondary_index).hash_key == "all" &&
      one(aws_dynamodb_table.this[name].global_secondary_index).range_key == "changedAt" &&
      one(aws_dynamodb_table.this[name].global_secondary_index).projection_type == "ALL"
    ])
    error_message = "the runtime asks the index byTime for what changed"
  }

  assert {
    condition = (
      one(aws_dynamodb_table.this["certificate-inventory"].global_secondary_index).name == "byIdentity" &&
      one(aws_dynamodb_table.this["certificate-inventory"].global_secondary_index).hash_key == "identity" &&
      one(aws_dynamodb_table.this["certificate-inventory"].global_secondary_index).range_key == "notAfter"
    )
    error_message = "the revoker finds the certificates of an identity by the index byIdentity"
  }
}

run "denials_and_gone_endpoints_expire" {
  assert {
    condition = { for name, table in aws_dynamodb_table.this : name => [for ttl in table.ttl : ttl.attribute_name if ttl.enabled] } == {
      access-policy         = []
      certificate-inventory = []
      deny-list             = ["expiresEpoch"]
      endpoint-inventory    = ["expiresEpoch"]
    }
    error_message = "DynamoDB must delete expired denials and endpoints that are gone, and nothing else"
  }
}

run "tables_survive_mistakes" {
  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this :
      table.point_in_time_recovery[0].enabled && table.deletion_protection_enabled && table.server_side_encryption[0].enabled &&
      table.server_side_encryption[0].kms_key_arn == aws_kms_key.this.arn
    ])
    error_message = "every table needs point-in-time recovery, deletion protection and our key"
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "the key must rotate"
  }
}

run "the_bus_remembers" {
  assert {
    condition     = aws_cloudwatch_event_bus.this.name == "linkward" && aws_cloudwatch_event_archive.this.event_source_arn == aws_cloudwatch_event_bus.this.arn && aws_cloudwatch_event_archive.this.retention_days == 365
    error_message = "the bus needs its archive"
  }
}

run "protection_can_be_taken_off_before_a_destroy" {
  variables {
    deletion_protection = false
  }

  assert {
    condition     = !anytrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "the switch must reach every table"
  }
}
