# One page: who is connected, whether the functions work, whether the services stand.

locals {
  functions = sort(keys(var.functions))
  services  = sort(keys(var.services))

  widgets = concat(
    [
      {
        title   = "Connections by verdict and reason"
        view    = "timeSeries"
        stacked = true
        metrics = [[{ expression = "SEARCH('{${local.namespace},Function,Reason,Service,Verdict} MetricName=\"Connections\"', 'Maximum', 300)", id = "connections" }]]
      },
      {
        title   = "Accepted, rejected, removed"
        view    = "timeSeries"
        stacked = false
        metrics = [
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Service} MetricName=\"ConnectionsAccepted\"', 'Sum', 300))", id = "accepted", label = "accepted" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason,Service} MetricName=\"ConnectionsRejected\"', 'Sum', 300))", id = "rejected", label = "rejected" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason,Service} MetricName=\"ConnectionsRemoved\"', 'Sum', 300))", id = "removed", label = "removed" }],
        ]
      },
      {
        title   = "Denials, revocations, what remains"
        view    = "timeSeries"
        stacked = false
        metrics = [
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason} MetricName=\"Denials\"', 'Sum', 300))", id = "denials", label = "denials" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason} MetricName=\"CertificatesRevoked\"', 'Sum', 300))", id = "revoked", label = "certificates revoked" }],
          [local.namespace, "RevocationsRemaining", "Function", "certificate-revoker", { label = "remaining" }],
        ]
      },
      {
        title   = "Runs and errors"
        view    = "timeSeries"
        stacked = false
        metrics = concat(
          [for name in local.functions : ["AWS/Lambda", "Invocations", "FunctionName", var.functions[name].function_name, { label = "${name} runs" }]],
          [for name in local.functions : ["AWS/Lambda", "Errors", "FunctionName", var.functions[name].function_name, { label = "${name} errors" }]],
        )
      },
      {
        title   = "Dead letters"
        view    = "timeSeries"
        stacked = false
        metrics = [for name in local.functions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.functions[name].dead_letter_queue, { label = name, stat = "Maximum" }]]
      },
    ],
    [for name in local.services : {
      title   = "${name}: flows and targets"
      view    = "timeSeries"
      stacked = false
      metrics = [
        ["AWS/NetworkELB", "ActiveFlowCount_TCP", "LoadBalancer", var.services[name].load_balancer_arn_suffix, { label = "flows", stat = "Average" }],
        ["AWS/NetworkELB", "HealthyHostCount", "LoadBalancer", var.services[name].load_balancer_arn_suffix, "TargetGroup", var.services[name].target_group_arn_suffix, { label = "healthy", stat = "Minimum", yAxis = "right" }],
        ["AWS/NetworkELB", "UnHealthyHostCount", "LoadBalancer", var.services[name].load_balancer_arn_suffix, "TargetGroup", var.services[name].target_group_arn_suffix, { label = "unhealthy", stat = "Maximum", yAxis = "right" }],
      ]
    }],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for index, widget in local.widgets : {
        type       = "metric"
        x          = 12 * (index % 2)
        y          = 6 * floor(index / 2)
        width      = 12
        height     = 6
        properties = merge({ region = local.region, stat = "Sum", period = 300 }, widget)
      }
    ]
  })
}
