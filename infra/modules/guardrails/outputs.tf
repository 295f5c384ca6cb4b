output "documents" {
  description = "The policies as JSON, by name, for organizations that keep their SCPs elsewhere."
  value       = local.documents
}
