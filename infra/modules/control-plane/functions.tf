# Every function, one entry each: what it is told (LINKWARD_*), what starts it, and what it may do. The rest of the module reads this map.
# What all functions share (logs, metrics, audit events, dead letters) is in iam.tf.

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

      statements = concat(local.reads_appconfig, [
        {
          # EC2 knows no narrower resource for describing.
          Sid      = "SeeConnections"
          Effect   = "Allow"
          Action   = ["ec2:DescribeVpcEndpointConnections", "ec2:DescribeVpcEndpointServicePermissions"]
          Resource = "*"
        },
        {
          # Of our services only. IAM has no condition for the consumer: whom to accept is the function's decision.
          Sid      = "DecideConnections"
          Effect   = "Allow"
          Action   = ["ec2:AcceptVpcEndpointConnections", "ec2:RejectVpcEndpointConnections"]
          Resource = [for service in var.endpoint_services : "arn:${local.partition}:ec2:${local.region}:${local.account}:vpc-endpoint-service/${service.service_id}"]
        },
        {
          # The policy itself, and the freeze switch beside it wherever the policy comes from.
          Sid      = "ReadPolicy"
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem", "dynamodb:Scan"]
          Resource = aws_dynamodb_table.this["access-policy"].arn
        },
        {
          Sid      = "KeepInventory"
          Effect   = "Allow"
          Action   = ["dynamodb:BatchWriteItem", "dynamodb:Scan"]
          Resource = aws_dynamodb_table.this["endpoint-inventory"].arn
        },
      ])
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

      statements = [
        {
          Sid      = "WriteDenyList"
          Effect   = "Allow"
          Action   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
          Resource = aws_dynamodb_table.this["deny-list"].arn
        },
        {
          Sid      = "FindCertificates"
          Effect   = "Allow"
          Action   = ["dynamodb:Query"]
          Resource = "${aws_dynamodb_table.this["certificate-inventory"].arn}/index/byIdentity"
        },
        {
          Sid      = "Revoke"
          Effect   = "Allow"
          Action   = ["acm-pca:RevokeCertificate"]
          Resource = var.certificate_authorities[*].arn
        },
        {
          # AWS writes the CRL with the rights of whoever revokes.
          Sid      = "PublishCrl"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:PutObjectAcl"]
          Resource = [for authority in var.certificate_authorities : "${authority.crl_bucket_arn}/*"]
        },
      ]
    }
  }

  # appconfig:APPLICATION/ENVIRONMENT/PROFILE, ids each. Split, not matched: a plan before the ids are known still shows the statement.
  appconfig = split("/", replace(coalesce(var.policy_source, "none"), ":", "/"))
  reads_appconfig = var.policy_source == null ? [] : [{
    Sid      = "ReadDeployedPolicy"
    Effect   = "Allow"
    Action   = ["appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"]
    Resource = "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${local.appconfig[1]}/environment/${local.appconfig[2]}/configuration/${local.appconfig[3]}"
  }]
}
