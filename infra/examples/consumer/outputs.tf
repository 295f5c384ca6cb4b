output "url" {
  description = "Where the caller finds the API."
  value       = module.invoices.url
}

output "for_the_provider" {
  description = "What to give the provider for its access policy."
  value       = module.invoices.for_the_provider
}
