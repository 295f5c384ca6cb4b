output "url" {
  description = "Where callers in the consumer's VPC find the API."
  value       = module.orders.url
}

output "endpoint_id" {
  description = "The endpoint that waits for the approver."
  value       = module.orders.endpoint_id
}

output "certificate_authority_arn" {
  description = "The authority that issues callers' certificates."
  value       = module.pki.certificate_authority.arn
}
