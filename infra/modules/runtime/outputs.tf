output "service" {
  description = "For module observability."
  value = {
    cluster_name = aws_ecs_cluster.this.name
    service_name = aws_ecs_service.this.name
    log_group    = aws_cloudwatch_log_group.this.name
    min_tasks    = var.scaling.min
  }
}

output "security_group_id" {
  description = "Security group of the tasks, for what they talk to besides AWS."
  value       = aws_security_group.tasks.id
}

output "configuration" {
  description = "What the runtime is told, in YAML, for reviews and for `api-runtime --check`."
  value       = yamlencode(local.configuration)
}
