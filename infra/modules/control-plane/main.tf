# The outer gate: one key for what rests, the tables, the bus. Functions are in functions.tf and lambda.tf, what starts them in
# events.tf, what roles may do in iam.tf, whom resources let in in resource_policies.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  log_retention_days = 365

  # Index byTime: everything under one hash key, newest last, so that readers can ask for what changed.
  by_time = { name = "byTime", hash_key = "all", range_key = "changedAt" }

  tables = {
    access-policy         = { hash_key = "pk", index = null, ttl = null }
    deny-list             = { hash_key = "pk", index = local.by_time, ttl = "expiresEpoch" }
    endpoint-inventory    = { hash_key = "endpointId", index = local.by_time, ttl = "expiresEpoch" }
    certificate-inventory = { hash_key = "serialNumber", index = { name = "byIdentity", hash_key = "identity", range_key = "notAfter" }, ttl = null }
  }
}

resource "aws_kms_key" "this" {
  description             = "Tables and logs of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-control-plane"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${var.name}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.hash_key
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = toset(compact([each.value.hash_key, try(each.value.index.hash_key, null), try(each.value.index.range_key, null)]))
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.index == null ? [] : [each.value.index]
    content {
      name            = global_secondary_index.value.name
      hash_key        = global_secondary_index.value.hash_key
      range_key       = global_secondary_index.value.range_key
      projection_type = "ALL"
    }
  }

  # Expired denials, and endpoints that are gone. DynamoDB deletes some time after expiry; readers ignore expired entries themselves.
  dynamic "ttl" {
    for_each = each.value.ttl == null ? [] : [each.value.ttl]
    content {
      enabled        = true
      attribute_name = ttl.value
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}

resource "aws_cloudwatch_event_bus" "this" {
  name = var.name
}

# Everything that came and went, for audits and for replays after an outage.
resource "aws_cloudwatch_event_archive" "this" {
  name             = "${var.name}-audit"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = local.log_retention_days
}
