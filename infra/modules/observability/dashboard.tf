# One page: who is connected, whether the functions work, whether the services stand.

locals {
  functions = sort(keys(var.functions))

  widgets = concat(
    [
      {
        title   = "Connections by verdict and reason"
        stacked = true
        metrics = [[{ expression = "SEARCH('{${local.namespace},Function,Reason,Service,Verdict} MetricName=\"Connections\"', 'Maximum', 300)", id = "connections" }]]
      },
      {
        title = "Accepted, rejected, removed"
        metrics = [
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Service} MetricName=\"ConnectionsAccepted\"', 'Sum', 300))", id = "accepted", label = "accepted" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason,Service} MetricName=\"ConnectionsRejected\"', 'Sum', 300))", id = "rejected", label = "rejected" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason,Service} MetricName=\"ConnectionsRemoved\"', 'Sum', 300))", id = "removed", label = "removed" }],
        ]
      },
      {
        title = "Denials, revocations, what remains"
        metrics = [
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason} MetricName=\"Denials\"', 'Sum', 300))", id = "denials", label = "denials" }],
          [{ expression = "SUM(SEARCH('{${local.namespace},Function,Reason} MetricName=\"CertificatesRevoked\"', 'Sum', 300))", id = "revoked", label = "certificates revoked" }],
          [local.namespace, "RevocationsRemaining", "Function", "certificate-revoker", { label = "remaining" }],
        ]
      },
      {
        title = "Runs and errors"
        metrics = concat(
          [for name in local.functions : ["AWS/Lambda", "Invocations", "FunctionName", var.functions[name].function_name, { label = "${name} runs" }]],
          [for name in local.functions : ["AWS/Lambda", "Errors", "FunctionName", var.functions[name].function_name, { label = "${name} errors" }]],
        )
      },
      {
        title   = "Dead letters"
        metrics = [for name in local.functions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.functions[name].dead_letter_queue, { label = name, stat = "Maximum" }]]
      },
    ],
    local.inventory_widgets,
    local.runtime_widgets,
    local.insight_widgets,
    local.network_widgets,
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
        properties = merge({ view = "timeSeries", stacked = false, region = local.region, stat = "Sum", period = 300 }, widget)
      }
    ]
  })
}
