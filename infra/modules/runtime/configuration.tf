# The runtime's configuration: what the user wrote, and over it what this module's load balancer, tables and files make true.

locals {
  written = yamldecode(var.configuration)

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
      telemetry = merge({ serviceName = var.name, emf = "stdout" }, try(local.written.telemetry, {}))
    },
    local.has_api ? { upstream = "http://127.0.0.1:${var.api.port}" } : {},
  )

  # As the user wrote it: the default is not AppConfig, and what is merged over it may be unknown to the plan.
  appconfig = try(regex("^appconfig:([^/]+)/([^/]+)/([^/]+)$", local.written.policy.source), null)
}
