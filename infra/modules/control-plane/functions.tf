# Every function, one entry each: what it is told (LINKWARD_*), what starts it, and what it may do. The rest of the module reads this map.
# What a function may do beside its code is in functions/NAME/iam.json; `resources` says what its placeholders stand for.
# What this module adds for all of them (logs, dead letters, the tables' key) is in iam.tf.

locals {
  # For whoever reads the policy: where it is, and whose signature a bundle bears.
  policy_environment = merge(
    { LINKWARD_POLICY_SOURCE = var.policy.source == null ? "dynamodb:${aws_dynamodb_table.this["access-policy"].name}" : var.policy.source },
    var.policy.verification_key == null ? {} : { LINKWARD_POLICY_VERIFICATION_KEY = var.policy.verification_key },
  )

  # Not `compact`, which knows nothing before it knows everything.
  crl_uris = [for authority in var.certificate_authorities : authority.crl_uri if authority.crl_uri != null]

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

      environment = merge(
        local.policy_environment,
        {
          LINKWARD_MODE                     = var.mode
          LINKWARD_SERVICE_IDS              = join(",", values(var.endpoint_services)[*].service_id)
          LINKWARD_REMOVAL_GRACE            = var.removal.grace
          LINKWARD_MAX_REMOVALS             = tostring(var.removal.max)
          LINKWARD_ENDPOINT_INVENTORY_TABLE = aws_dynamodb_table.this["endpoint-inventory"].name
          LINKWARD_EVENT_BUS                = aws_cloudwatch_event_bus.this.name
        },
        # The freeze switch stays in the table, wherever the policy is.
        var.policy.source == null ? {} : { LINKWARD_ACCESS_POLICY_TABLE = aws_dynamodb_table.this["access-policy"].name },
      )

      statements = []
      resources = {
        appconfig_configuration_arn = local.appconfig_configuration
        policy_bundle_arn           = local.policy_bundle
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

      # Secrets Manager starts it, by the schedule of each secret (certificates.tf); the authority tells it what it issued, so that
      # what came of an answer that was lost is found, and an orphan revoked.
      events   = ["certificate-authority-changed"]
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

    posture-reporter = {
      description = "Measures how things stand and counts what changes; changes nothing"
      timeout     = 60
      memory      = 256
      concurrency = -1

      events = [
        "certificate-authority-changed", "certificate-revoked", "certificate-rotated", "endpoint-accepted", "endpoint-held", "endpoint-rejected",
        "policy-changed", "policy-deployed",
      ]
      # As often as alarms look: who waits for five minutes is found in the sixth.
      schedule = "rate(5 minutes)"
      topics   = {}

      environment = merge(
        local.policy_environment,
        {
          LINKWARD_ENDPOINT_INVENTORY_TABLE    = aws_dynamodb_table.this["endpoint-inventory"].name
          LINKWARD_DENY_LIST_TABLE             = aws_dynamodb_table.this["deny-list"].name
          LINKWARD_CERTIFICATE_INVENTORY_TABLE = aws_dynamodb_table.this["certificate-inventory"].name
          LINKWARD_EVENT_BUS                   = aws_cloudwatch_event_bus.this.name
        },
        length(local.crl_uris) == 0 ? {} : { LINKWARD_CRL_LOCATIONS = join(",", local.crl_uris) },
      )

      statements = []
      resources = {
        endpoint_inventory_table_arn    = [aws_dynamodb_table.this["endpoint-inventory"].arn]
        certificate_inventory_table_arn = [aws_dynamodb_table.this["certificate-inventory"].arn]
        deny_list_table_arn             = [aws_dynamodb_table.this["deny-list"].arn]
        event_bus_arn                   = [aws_cloudwatch_event_bus.this.arn]
        crl_object_arns                 = [for uri in local.crl_uris : "arn:${local.partition}:s3:::${trimprefix(uri, "s3://")}"]
      }
    }
  }

  # What the policy's source needs: of AppConfig one profile, of S3 one object. Even while ids are unknown, a plan knows how the source begins, and
  # shows the statement. appconfig:APPLICATION/ENVIRONMENT/PROFILE is split, not matched, for the same reason.
  source        = var.policy.source == null ? "table" : var.policy.source
  appconfig     = split("/", replace(local.source, ":", "/"))
  appconfig_arn = "arn:${local.partition}:appconfig:${local.region}:${local.account}"
  appconfig_configuration = startswith(local.source, "appconfig:") ? [
    "${local.appconfig_arn}:application/${local.appconfig[1]}/environment/${local.appconfig[2]}/configuration/${local.appconfig[3]}"
  ] : []
  # Asked twice: `startswith` does not tell that what begins with appconfig: cannot begin with something longer.
  policy_bundle = (startswith(local.source, "bundle:") ? startswith(local.source, "bundle:s3://") : false) ? ["arn:${local.partition}:s3:::${trimprefix(local.source, "bundle:s3://")}"] : []
}
