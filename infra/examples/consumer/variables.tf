variable "region" {
  description = "Region of the VPC: the provider's."
  type        = string
  default     = "eu-west-1"
}

variable "api_name" {
  description = "Name of the API in this VPC."
  type        = string
  default     = "invoices.internal.example"
}

variable "service_name" {
  description = "Name of the provider's endpoint service."
  type        = string
}

variable "provider_event_bus_arn" {
  description = "The provider's bus."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the callers."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the endpoint, one a zone."
  type        = list(string)
}

variable "orders_security_group_id" {
  description = "Security group of the caller."
  type        = string
}
