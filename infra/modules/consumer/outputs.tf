output "endpoint_id" {
  description = "Id of the endpoint."
  value       = aws_vpc_endpoint.this.id
}

output "url" {
  description = "Where callers in this VPC find the API."
  value       = "https://${var.api_name}"
}

output "for_the_provider" {
  description = "What to give the provider: an entry for `endpoints.consumers` of its access policy."
  value = yamlencode({
    account      = data.aws_caller_identity.current.account_id
    name         = replace(var.api_name, ".", "-")
    services     = [regex("vpce-svc-[0-9a-f]+$", var.service_name)]
    maxEndpoints = 1
  })
}
