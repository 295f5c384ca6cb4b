variable "api_name" {
  description = "Domain name under which callers in this VPC reach the API. The runtime's server certificate must carry it."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.api_name))
    error_message = "Write a domain name in lower case, such as invoices.internal.example."
  }
}

variable "service_name" {
  description = "Name of the provider's endpoint service (output `service_name` of module provider-service)."
  type        = string

  validation {
    condition     = can(regex("^com\\.amazonaws\\.vpce\\.[a-z0-9-]+\\.vpce-svc-[0-9a-f]+$", var.service_name))
    error_message = "Write the name of an endpoint service, such as com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0."
  }
}

variable "provider_event_bus_arn" {
  description = "The provider's bus (output `event_bus_arn` of module control-plane)."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._-]+$", var.provider_event_bus_arn)) && !endswith(var.provider_event_bus_arn, "/default")
    error_message = "Write the ARN of the provider's own bus, such as arn:aws:events:eu-west-1:123456789012:event-bus/linkward; never a default bus."
  }
}

variable "vpc_id" {
  description = "VPC of the callers."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "Write the id of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Subnets for the endpoint, one a zone, in zones that the provider's load balancer has too."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Give at least one id of a subnet, such as subnet-0123456789abcdef0."
  }
}

variable "client_cidr_blocks" {
  description = "Networks of the callers."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for block in var.client_cidr_blocks : can(cidrhost(block, 0)) && try(tonumber(split("/", block)[1]), 0) >= 8])
    error_message = "Write IPv4 networks of /8 or smaller, such as 10.1.0.0/16: an endpoint is not for everybody."
  }

  validation {
    condition     = length(var.client_cidr_blocks) + length(var.client_security_group_ids) > 0
    error_message = "Name callers in client_cidr_blocks or client_security_group_ids: without any the endpoint is unreachable."
  }
}

variable "client_security_group_ids" {
  description = "Security groups of the callers, by a name for each."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for id in values(var.client_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "Write ids of security groups, such as sg-0123456789abcdef0."
  }
}
