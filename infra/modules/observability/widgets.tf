# The widgets of each service: what its runtime counts (docs/METRICS.md), its load balancer and its endpoint service; and those of the inventories.

locals {
  # Where the runtime's numbers are not in CloudWatch, Prometheus has them: infra/dashboards/grafana.json.
  runtime_widgets = flatten([for name, service in local.measured : [
    {
      title   = "${name}: requests by decision and reason"
      stacked = true
      metrics = [[{ expression = "SEARCH('{${local.namespace},Decision,Reason,Service,Status} MetricName=\"Requests\" Service=\"${name}\"', 'Sum', 300)", id = "requests" }]]
    },
    {
      title = "${name}: seconds a request takes, the upstream's share"
      metrics = concat(
        [for part in ["p50", "p95", "p99"] : [local.namespace, "RequestDuration", "Service", name, { label = part, stat = part }]],
        [[local.namespace, "UpstreamDuration", "Service", name, { label = "upstream p95", stat = "p95" }]],
      )
    },
    {
      title   = "${name}: failed handshakes by cause"
      stacked = true
      metrics = [[{ expression = "SEARCH('{${local.namespace},Cause,Service} MetricName=\"HandshakeFailures\" Service=\"${name}\"', 'Sum', 300)", id = "failures" }]]
    },
    {
      title = "${name}: connections and what was not answered"
      metrics = [
        [local.namespace, "OpenConnections", "Service", name, { label = "open, of a task", stat = "Maximum", yAxis = "right" }],
        [local.namespace, "Handshakes", "Service", name, { label = "handshakes" }],
        [local.namespace, "UpstreamErrors", "Service", name, { label = "upstream errors" }],
        [local.namespace, "AccessLogDropped", "Service", name, { label = "log lines lost" }],
        [local.namespace, "SharedCertificates", "Service", name, "Sign", "accounts", { label = "certificates of several accounts", stat = "Maximum", yAxis = "right" }],
        [local.namespace, "SharedCertificates", "Service", name, "Sign", "endpoints", { label = "certificates of too many endpoints", stat = "Maximum", yAxis = "right" }],
      ]
    },
    {
      title   = "${name}: seconds since snapshots were confirmed"
      metrics = [for snapshot in values(local.snapshots) : [local.namespace, "SnapshotAge", "Service", name, "Kind", snapshot.kind, { label = snapshot.kind, stat = "Maximum" }]]
    },
    {
      title = "${name}: revocation and change"
      metrics = [
        [local.namespace, "DenyListPropagation", "Service", name, { label = "seconds until a denial is in force, the slowest", stat = "Maximum" }],
        [local.namespace, "PolicyPropagation", "Service", name, { label = "seconds until a policy is in force, the slowest", stat = "Maximum" }],
        [local.namespace, "DenyListEntries", "Service", name, { label = "entries", stat = "Maximum" }],
        [local.namespace, "CrlNextUpdate", "Service", name, { label = "seconds to nextUpdate", stat = "Minimum", yAxis = "right" }],
        [local.namespace, "ServerCertificateExpiry", "Service", name, { label = "seconds to the end of its certificate", stat = "Minimum", yAxis = "right" }],
      ]
    },
  ]])

  # Names from the log, in CloudWatch alone: no metric has them.
  insight_widgets = flatten([for name, service in var.services : [
    for key, title in { denials = "denied callers and reasons", handshakes = "failed handshakes by endpoint and cause" } : {
      title                     = "${name}: ${title}"
      insightRule               = { ruleName = aws_cloudwatch_contributor_insight_rule.this["${name}-${key}"].rule_name, maxContributorCount = 10, orderBy = "Sum" }
      legend                    = { position = "right" }
    }
  ]])

  network_widgets = flatten([for name, service in var.services : concat(
    [
      {
        title = "${name}: flows and targets"
        metrics = [
          ["AWS/NetworkELB", "ActiveFlowCount_TCP", "LoadBalancer", service.load_balancer_arn_suffix, { label = "flows", stat = "Average" }],
          ["AWS/NetworkELB", "HealthyHostCount", "LoadBalancer", service.load_balancer_arn_suffix, "TargetGroup", service.target_group_arn_suffix, { label = "healthy", stat = "Minimum", yAxis = "right" }],
          ["AWS/NetworkELB", "UnHealthyHostCount", "LoadBalancer", service.load_balancer_arn_suffix, "TargetGroup", service.target_group_arn_suffix, { label = "unhealthy", stat = "Maximum", yAxis = "right" }],
        ]
      },
      {
        title = "${name}: refusals and resets of the load balancer"
        metrics = [for metric, label in {
          PortAllocationErrorCount                  = "without a port"
          RejectedFlowCount                         = "refused"
          SecurityGroupBlockedFlowCount_Inbound_TCP = "blocked by the security group"
          TCP_Client_Reset_Count                    = "reset by clients"
          TCP_ELB_Reset_Count                       = "reset by the load balancer"
          TCP_Target_Reset_Count                    = "reset by tasks"
        } : ["AWS/NetworkELB", metric, "LoadBalancer", service.load_balancer_arn_suffix, { label = label }]]
      },
    ],
    [for id in service.endpoint_service[*].id : {
      title = "${name}: PrivateLink"
      metrics = [
        ["AWS/PrivateLinkServices", "EndpointsCount", "Service Id", id, { label = "endpoints", stat = "Maximum", yAxis = "right" }],
        ["AWS/PrivateLinkServices", "ActiveConnections", "Service Id", id, { label = "connections", stat = "Maximum", yAxis = "right" }],
        ["AWS/PrivateLinkServices", "NewConnections", "Service Id", id, { label = "new connections" }],
        ["AWS/PrivateLinkServices", "RstPacketsSent", "Service Id", id, { label = "resets sent" }],
      ]
    }],
  )])

  inventory_widgets = [for widget in [
    {
      title = "Waiting for acceptance, drift from the policy"
      metrics = [
        [{ expression = "MAX(SEARCH('{${local.namespace},Function,Service} MetricName=\"OldestPendingAge\"', 'Maximum', 300))", id = "pending", label = "oldest, seconds", yAxis = "right" }],
        [{ expression = "SUM(SEARCH('{${local.namespace},Function,Service} MetricName=\"AcceptedButUnlisted\"', 'Maximum', 300))", id = "unlisted", label = "accepted but unlisted" }],
        [{ expression = "SUM(SEARCH('{${local.namespace},Function,Service} MetricName=\"PrincipalsWithoutConsumer\"', 'Maximum', 300))", id = "principals", label = "principals without consumer" }],
      ]
    },
    {
      title = "Certificates and CRLs: seconds left"
      metrics = [
        [local.namespace, "IdentitySecondsToExpiry", "Function", "posture-reporter", { label = "identity with the least left", stat = "Minimum" }],
        [local.namespace, "CrlSecondsToNextUpdate", "Function", "posture-reporter", { label = "CRL to nextUpdate", stat = "Minimum" }],
      ]
    },
  ] : widget if local.reported]
}
