variable "name" {
  description = "Name of the API: load balancer, topic and tags carry it."
  type        = string

  validation {
    # The limit of a load balancer's name.
    condition     = can(regex("^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$", var.name)) && !startswith(var.name, "internal-")
    error_message = "Write 1 to 32 lower-case letters, digits and hyphens, beginning with a letter, not ending in a hyphen, and not beginning with internal-."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer and its targets."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "Write the id of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the load balancer, one a zone. Consumers can have endpoints in these zones only."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2 && length(distinct(var.subnet_ids)) == length(var.subnet_ids)
    error_message = "Give at least two different subnets: one zone would be one failure for every consumer."
  }

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Write ids of subnets, such as subnet-0123456789abcdef0."
  }
}

variable "access_policy_path" {
  description = "The access policy (YAML or JSON), the same file that approver and runtime follow. Its consumers become the allowed principals."
  type        = string

  validation {
    condition     = try(yamldecode(file(var.access_policy_path)).version, null) == 1
    error_message = "Give the path of an access policy: YAML or JSON with `version: 1`."
  }

  validation {
    # Quoted: an unquoted account loses its leading zeros. Encoded as JSON a string keeps its quotes and a number has none.
    condition = alltrue([
      for consumer in try(yamldecode(file(var.access_policy_path)).endpoints.consumers, []) :
      try(consumer.account, null) == null || can(regex("^\"[0-9]{12}\"$", jsonencode(try(consumer.account, null))))
    ])
    error_message = "Every `account` of the access policy is 12 digits in quotes."
  }

  validation {
    condition = alltrue([
      for consumer in try(yamldecode(file(var.access_policy_path)).endpoints.consumers, []) :
      (try(consumer.account, null) == null) != (try(consumer.organizationalUnit, null) == null)
    ])
    error_message = "Every consumer of the access policy has either `account` or `organizationalUnit`."
  }

  validation {
    condition = alltrue([
      for consumer in try(yamldecode(file(var.access_policy_path)).endpoints.consumers, []) :
      try(consumer.organizationalUnit, null) == null || can(regex("^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$", try(consumer.organizationalUnit, "")))
    ])
    error_message = "Every `organizationalUnit` of the access policy is an id such as ou-ab12-abcdefgh."
  }

  validation {
    condition = alltrue([
      for consumer in try(yamldecode(file(var.access_policy_path)).endpoints.consumers, []) :
      can(timeadd(try(consumer.validUntil, "2000-01-01T00:00:00Z"), "0s"))
    ])
    error_message = "Every `validUntil` of the access policy is a time such as 2027-03-31T00:00:00Z."
  }
}

variable "private_dns" {
  description = "A name of our own for the service, and the public hosted zone that proves that it is ours. null: each consumer names the API in a private zone (module consumer)."
  type = object({
    name           = string
    public_zone_id = string
  })
  default = null

  validation {
    condition     = var.private_dns == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.private_dns.name))
    error_message = "private_dns.name is a domain name in lower case, such as invoices.example.com."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer. Turn it off, apply, and only then destroy."
  type        = bool
  default     = true
}
