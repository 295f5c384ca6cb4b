# What the runtime counts itself (docs/METRICS.md), and what AWS counts in front of it.

locals {
  # Only a runtime that writes its numbers to its log can be watched by them.
  measured = { for name, service in var.services : name => service if service.embedded_metrics }

  # What the runtime goes on with for an hour when nobody confirms it any more, and then denies: the alarm comes well before.
  snapshots = {
    policy    = { kind = "policy", what = "the access policy" }
    deny-list = { kind = "denyList", what = "the deny list" }
    endpoints = { kind = "endpoints", what = "the endpoint inventory" }
    trust     = { kind = "trust", what = "certificate, trust anchors and CRLs" }
  }

  # By what a shared certificate is known.
  signs = {
    accounts  = "through endpoints of several accounts"
    endpoints = "through more endpoints than its identity should have"
  }

  days = 86400

  runtime_alarms = merge(
    merge([for name, service in local.measured : {
      "${name}-silent" = {
        description = "No numbers of ${name} have come for a quarter of an hour: its other alarms are blind."
        runbook     = "silent"
        namespace   = local.namespace
        metric      = "OpenConnections"
        statistic   = "SampleCount"
        dimensions  = { Service = name }
        comparison  = "LessThanThreshold"
        period      = 900
        missing     = "breaching"
      }
      "${name}-unknown-callers" = {
        description = "Callers with a valid certificate that the policy does not know were denied by ${name}."
        runbook     = "unknown-callers"
        namespace   = local.namespace
        metric      = "Requests"
        dimensions  = { Service = name, Decision = "deny", Reason = "noMatchingCaller", Status = "4xx" }
        threshold   = service.thresholds.unknown_callers
      }
      "${name}-handshake-failures" = {
        description = "Many connections to ${name} end before the handshake is complete."
        runbook     = "handshake-failures"
        namespace   = local.namespace
        metric      = "HandshakeFailures"
        dimensions  = { Service = name }
        threshold   = service.thresholds.handshake_failures
      }
      "${name}-slow" = {
        description = "One request in twenty of ${name} has taken longer than ${service.thresholds.p95_seconds} seconds for a quarter of an hour."
        runbook     = "slow"
        namespace   = local.namespace
        metric      = "RequestDuration"
        percentile  = "p95"
        dimensions  = { Service = name }
        threshold   = service.thresholds.p95_seconds
        periods     = 3
      }
      "${name}-upstream-errors" = {
        description = "The API behind the runtime of ${name} does not answer."
        runbook     = "upstream-errors"
        namespace   = local.namespace
        metric      = "UpstreamErrors"
        dimensions  = { Service = name }
        threshold   = service.thresholds.upstream_errors
      }
      "${name}-crl-ending" = {
        description = "A CRL in force in ${name} passes its nextUpdate within two days; then everybody is denied whose certificate it is about."
        runbook     = "crl-ending"
        namespace   = local.namespace
        metric      = "CrlNextUpdate"
        statistic   = "Minimum"
        dimensions  = { Service = name }
        comparison  = "LessThanThreshold"
        threshold   = 2 * local.days
      }
      "${name}-certificate-ending" = {
        description = "The certificate that ${name} shows its callers expires within two days; then none of them connects."
        runbook     = "server-certificate-ending"
        namespace   = local.namespace
        metric      = "ServerCertificateExpiry"
        statistic   = "Minimum"
        dimensions  = { Service = name }
        comparison  = "LessThanThreshold"
        threshold   = 2 * local.days
      }
      "${name}-deny-list-lag" = {
        description = "A revocation took longer than ${service.thresholds.deny_list_lag_seconds} seconds to come into force in ${name}."
        runbook     = "deny-list-lag"
        namespace   = local.namespace
        metric      = "DenyListPropagation"
        statistic   = "Maximum"
        dimensions  = { Service = name }
        threshold   = service.thresholds.deny_list_lag_seconds
      }
      "${name}-log-dropped" = {
        description = "The access log of ${name} has gaps: lines were lost because they could not be written fast enough."
        runbook     = "log-dropped"
        namespace   = local.namespace
        metric      = "AccessLogDropped"
        dimensions  = { Service = name }
      }
    }]...),
    merge([for name, service in local.measured : {
      for key, snapshot in local.snapshots : "${name}-${key}-old" => {
        description = "The runtime of ${name} works by old knowledge: its source has not confirmed ${snapshot.what} for ${service.thresholds.snapshot_age_seconds} seconds."
        runbook     = "snapshot-old"
        namespace   = local.namespace
        metric      = "SnapshotAge"
        statistic   = "Maximum"
        dimensions  = { Service = name, Kind = snapshot.kind }
        threshold   = service.thresholds.snapshot_age_seconds
      }
    }]...),
    merge([for name, service in local.measured : {
      for sign, what in local.signs : "${name}-shared-certificate-${sign}" => {
        description = "A client certificate came to ${name} ${what}: several services share one certificate, and no gate can tell them apart."
        runbook     = "certificate-shared"
        namespace   = local.namespace
        metric      = "SharedCertificates"
        statistic   = "Maximum"
        dimensions  = { Service = name, Sign = sign }
      }
    }]...),
    { for name, service in var.services : "${name}-port-errors" => {
      description = "The load balancer of ${name} had no port left for connections to its tasks: consumers could not connect."
      runbook     = "rejected-flows"
      namespace   = "AWS/NetworkELB"
      metric      = "PortAllocationErrorCount"
      dimensions  = { LoadBalancer = service.load_balancer_arn_suffix }
    } },
    { for name, service in var.services : "${name}-rejected-flows" => {
      description = "The load balancer of ${name} refuses connections."
      runbook     = "rejected-flows"
      namespace   = "AWS/NetworkELB"
      metric      = "RejectedFlowCount"
      dimensions  = { LoadBalancer = service.load_balancer_arn_suffix }
      threshold   = service.thresholds.rejected_flows
    } },
    { for name, service in var.services : "${name}-resets" => {
      description = "The endpoint service of ${name} resets many connections of its consumers."
      runbook     = "resets"
      namespace   = "AWS/PrivateLinkServices"
      metric      = "RstPacketsSent"
      dimensions  = { "Service Id" = service.endpoint_service.id }
      threshold   = service.thresholds.resets
    } if service.endpoint_service != null },
  )
}
