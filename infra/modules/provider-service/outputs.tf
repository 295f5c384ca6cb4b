output "service_id" {
  description = "Id of the endpoint service, for the approver (module control-plane) and for `services` in the access policy."
  value       = aws_vpc_endpoint_service.this.id
}

output "service_name" {
  description = "Name of the endpoint service: what a consumer needs to connect."
  value       = aws_vpc_endpoint_service.this.service_name
}

output "notification_topic_arn" {
  description = "Topic of the connection notifications, for the approver (module control-plane)."
  value       = aws_sns_topic.connections.arn

  # A subscription made before the policy would miss the first connection.
  depends_on = [aws_sns_topic_policy.connections]
}

output "consumer_account_ids" {
  description = "Accounts that the access policy lets ask for a connection; also who may forward events to the provider's bus."
  value       = local.accounts
}

output "load_balancer" {
  description = "What the runtime needs to stand behind the load balancer (module runtime), and what alarms need (module observability)."
  value = {
    security_group_id       = aws_security_group.load_balancer.id
    target_group_arn        = aws_lb_target_group.runtime.arn
    target_group_arn_suffix = aws_lb_target_group.runtime.arn_suffix
    arn_suffix              = aws_lb.this.arn_suffix
    availability_zones      = data.aws_subnet.load_balancer[*].availability_zone
    cidr_blocks             = data.aws_subnet.load_balancer[*].cidr_block
    tls_port                = local.tls_port
    health_port             = local.health_port
  }

  # ECS refuses a target group that no listener uses yet.
  depends_on = [aws_lb_listener.tls_passthrough]
}
