output "event_bus_arn" {
  description = "The bus: where operators send, consumers forward, and audit events appear."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "tables" {
  description = "ARNs of the tables by name, and the key that encrypts them, for readers (module runtime)."
  value       = merge({ for name, table in aws_dynamodb_table.this : name => table.arn }, { kms_key = aws_kms_key.this.arn })
}

output "functions" {
  description = "By name: what alarms watch (module observability)."
  value = {
    for name, function in aws_lambda_function.this : name => {
      function_name     = function.function_name
      role_arn          = aws_iam_role.function[name].arn
      dead_letter_queue = aws_sqs_queue.dead_letters[name].name
    }
  }
}

output "operator_policy_arn" {
  description = "IAM policy to attach to the operator roles."
  value       = aws_iam_policy.operator.arn
}

output "event_bus_policy" {
  description = "Who may send what to the bus, as JSON, for reviews."
  value       = aws_cloudwatch_event_bus_policy.this.policy
}
