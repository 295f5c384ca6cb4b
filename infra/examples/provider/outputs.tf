output "service_name" {
  description = "What consumers connect to."
  value       = module.invoices.service_name
}

output "service_id" {
  description = "For `services` in the access policy."
  value       = module.invoices.service_id
}

output "event_bus_arn" {
  description = "Where consumers forward to."
  value       = module.control_plane.event_bus_arn
}

output "operator_policy_arn" {
  description = "IAM policy for the operator roles."
  value       = module.control_plane.operator_policy_arn
}

output "certificate_authority_arn" {
  description = "The authority that issues callers' certificates."
  value       = module.pki.certificate_authority.arn
}
