# The runtime's configuration: what the user wrote, and over it what this module's load balancer, tables and files make true.

locals {
  written = var.configuration

  configuration = merge(
    local.written,
    {
      listen       = "0.0.0.0:${var.load_balancer.tls_port}"
      healthListen = "0.0.0.0:${var.load_balancer.health_port}"

      # Metrics and status stay inside the task.
      adminListen = "127.0.0.1:8081"

      # Without the header nobody's endpoint is known; from elsewhere than the load balancer it would be a forgery.
      proxyProtocol = { mode = "required", from = var.load_balancer.cidr_blocks }

      tls = merge(
        {
          certificateChain   = "${local.files_path}/server.crt"
          privateKey         = "${local.files_path}/server.key"
          clientTrustAnchors = "${local.files_path}/ca.crt"
        },
        local.written.tls,
      )

      policy    = merge({ source = "dynamodb:${var.tables.access-policy}" }, try(local.written.policy, {}))
      denyList  = merge(try(local.written.denyList, {}), { source = "dynamodb:${var.tables.deny-list}" })
      endpoints = merge(try(local.written.endpoints, {}), { source = "dynamodb:${var.tables.endpoint-inventory}" })
      telemetry = merge(
        { serviceName = var.name, emf = "stdout" },
        try(local.written.telemetry, {}),
        var.collector == null ? {} : { otlpEndpoint = "http://127.0.0.1:4318" },
      )
    },
    local.has_api ? { upstream = "http://127.0.0.1:${var.api.port}" } : {},
  )

}

# What of AWS the configuration names, for the task role. Nothing here asks for a value that a first plan may not know: how a source begins, it knows.
# `for … if key ==` and not `try`, which gives up on an object as soon as one of its values is unknown.
locals {
  policy_source = one([for key, policy in local.written : one([for name, source in policy : source if name == "source"]) if key == "policy"])
  crls          = flatten([for key, crls in local.written.tls : crls if key == "crls"])
  own_parts     = [for key, part in local.written.tls : part if contains(["certificateChain", "privateKey"], key)]

  source    = local.policy_source == null ? "dynamodb:" : local.policy_source
  appconfig = split("/", replace(local.source, ":", "/"))

  policy_tables = startswith(local.source, "dynamodb:") ? [
    local.policy_source == null ? var.tables.access-policy : (
      startswith(local.source, "dynamodb:arn:") ? trimprefix(local.source, "dynamodb:") : "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${trimprefix(local.source, "dynamodb:")}"
    )
  ] : []

  # appconfig:APPLICATION/ENVIRONMENT/PROFILE. Split, not matched: the ids may be unknown.
  policy_profiles = startswith(local.source, "appconfig:") ? [
    "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${local.appconfig[1]}/environment/${local.appconfig[2]}/configuration/${local.appconfig[3]}"
  ] : []

  # CRLs and the bundle, s3://BUCKET/KEY. Asked twice: `startswith` does not tell that what begins with appconfig: cannot begin with something longer.
  objects = [
    for object in concat(
      [for uri in local.crls : trimprefix(uri, "s3://") if startswith(uri, "s3://")],
      (startswith(local.source, "bundle:") ? startswith(local.source, "bundle:s3://") : false) ? [trimprefix(local.source, "bundle:s3://")] : [],
    ) : "arn:${local.partition}:s3:::${object}"
  ]

  # secretsmanager:ARN, or a name, after which AWS puts six characters.
  own_secrets = distinct([
    for part in local.own_parts : startswith(part, "secretsmanager:arn:") ? trimprefix(part, "secretsmanager:") : "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${trimprefix(part, "secretsmanager:")}-??????"
    if startswith(part, "secretsmanager:")
  ])
}
