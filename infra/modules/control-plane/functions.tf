# Every function, one entry each: what it is told (LINKWARD_*), what starts it, and what it may do. The rest of the module reads this map.
# What a function may do beside its code is in functions/NAME/iam.json; `resources` says what its placeholders stand for.
# What this module adds for all of them (logs, dead letters, the tables' key) is in iam.tf.

locals {
  policy_source = coalesce(var.policy_source, "dynamodb:${aws_dynamodb_table.this["access-policy"].name}")

  functions = {
    endpoint-approver = {
      description = "Accepts, holds, rejects and removes endpoint connections by the access policy"
      timeout     = 120
      memory      = 256

      # One run at a time: two would each spend the cap on removals, and share EC2's throttle.
      concurrency = 1

      events   = ["endpoint-sweep-requested", "create-vpc-endpoint", "policy-deployed"]
      schedule = var.sweep_schedule
      topics   = { for name, service in var.endpoint_services : name => service.notification_topic_arn }

      environment = {
        LINKWARD_MODE                     = var.mode
        LINKWARD_POLICY_SOURCE            = local.policy_source
        LINKWARD_SERVICE_IDS              = join(",", values(var.endpoint_services)[*].service_id)
        LINKWARD_REMOVAL_GRACE            = var.removal.grace
        LINKWARD_MAX_REMOVALS             = tostring(var.removal.max)
        LINKWARD_ENDPOINT_INVENTORY_TABLE = aws_dynamodb_table.this["endpoint-inventory"].name
        LINKWARD_EVENT_BUS                = aws_cloudwatch_event_bus.this.name
      }

      statements = []
      resources = {
        appconfig_configuration_arn = local.appconfig_configuration
        # Of our services only. IAM has no condition for the consumer: whom to accept is the function's decision.
        endpoint_service_arns        = [for service in var.endpoint_services : "arn:${local.partition}:ec2:${local.region}:${local.account}:vpc-endpoint-service/${service.service_id}"]
        access_policy_table_arn      = [aws_dynamodb_table.this["access-policy"].arn]
        endpoint_inventory_table_arn = [aws_dynamodb_table.this["endpoint-inventory"].arn]
        event_bus_arn                = [aws_cloudwatch_event_bus.this.arn]
      }
    }

    certificate-revoker = {
      description = "Puts revoked callers on the deny list and revokes their certificates"
      timeout     = 60
      memory      = 256
      concurrency = -1

      events   = ["certificate-revocation-requested", "certificate-denial-withdrawn"]
      schedule = null
      topics   = {}

      environment = {
        LINKWARD_MODE                        = var.mode
        LINKWARD_DENY_LIST_TABLE             = aws_dynamodb_table.this["deny-list"].name
        LINKWARD_CERTIFICATE_INVENTORY_TABLE = aws_dynamodb_table.this["certificate-inventory"].name
        LINKWARD_CERTIFICATE_AUTHORITY_ARNS  = join(",", var.certificate_authorities[*].arn)
        LINKWARD_EVENT_BUS                   = aws_cloudwatch_event_bus.this.name
      }

      statements = []
      resources = {
        deny_list_table_arn             = [aws_dynamodb_table.this["deny-list"].arn]
        certificate_inventory_table_arn = [aws_dynamodb_table.this["certificate-inventory"].arn]
        certificate_authority_arns      = var.certificate_authorities[*].arn
        event_bus_arn                   = [aws_cloudwatch_event_bus.this.arn]

        # AWS writes the CRL with the rights of whoever revokes.
        crl_object_arns = [for authority in var.certificate_authorities : "${authority.crl_bucket_arn}/*"]
      }
    }

    certificate-rotator = {
      description = "Rotates client certificates: new key, new certificate, old and new overlapping"
      timeout     = 120
      memory      = 256
      concurrency = -1

      # Secrets Manager starts it, by the schedule of each secret (certificates.tf).
      events   = []
      schedule = null
      topics   = {}

      environment = {
        LINKWARD_MODE                        = var.mode
        LINKWARD_TRUST_DOMAIN                = var.certificates.trust_domain
        LINKWARD_CERTIFICATE_LIFETIME        = "${var.certificates.lifetime_days}d"
        LINKWARD_CERTIFICATE_INVENTORY_TABLE = aws_dynamodb_table.this["certificate-inventory"].name
        LINKWARD_CERTIFICATE_AUTHORITY_ARNS  = join(",", var.certificate_authorities[*].arn)
        LINKWARD_EVENT_BUS                   = aws_cloudwatch_event_bus.this.name
      }

      statements = [{
        Sid       = "UseSecretsKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = [aws_kms_key.this.arn]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
      }]
      resources = {
        partition = [local.partition]

        # Secrets below our prefix that name this function as theirs.
        secret_arns  = ["arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${local.secret_prefix}*"]
        function_arn = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-certificate-rotator"]

        # The first authority issues, the others are left from a rollover.
        certificate_authority_arns      = [var.certificate_authorities[0].arn]
        crl_object_arns                 = ["${var.certificate_authorities[0].crl_bucket_arn}/*"]
        certificate_inventory_table_arn = [aws_dynamodb_table.this["certificate-inventory"].arn]
        event_bus_arn                   = [aws_cloudwatch_event_bus.this.arn]
      }
    }
  }

  # appconfig:APPLICATION/ENVIRONMENT/PROFILE, ids each. Split, not matched: a plan before the ids are known still shows the statement.
  appconfig = split("/", replace(coalesce(var.policy_source, "none"), ":", "/"))
  appconfig_configuration = var.policy_source == null ? [] : [
    "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${local.appconfig[1]}/environment/${local.appconfig[2]}/configuration/${local.appconfig[3]}"
  ]
}
