output "service_name" {
  description = "What a consumer connects to."
  value       = module.invoices.service_name
}

output "service_id" {
  description = "The endpoint service."
  value       = module.invoices.service_id
}

output "event_bus_arn" {
  description = "Where operators ask."
  value       = module.control_plane.event_bus_arn
}

output "tables" {
  description = "ARNs of the tables."
  value       = module.control_plane.tables
}

output "network" {
  description = "VPC and subnets."
  value       = { vpc_id = aws_vpc.this.id, subnet_ids = aws_subnet.this[*].id }
}
