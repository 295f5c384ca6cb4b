variable "name" {
  description = "Name of the authority; the bucket's begins with it."
  type        = string
  default     = "linkward"

  validation {
    # A bucket's name has at most 63 characters, and account and Region take their share.
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "Write 2 to 24 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "common_name" {
  description = "Common name of the authority, as people will see it in certificates."
  type        = string

  validation {
    condition     = length(trimspace(var.common_name)) > 0 && length(var.common_name) <= 64
    error_message = "Write 1 to 64 characters: RFC 5280 allows no more."
  }
}

variable "organization" {
  description = "Organization in the authority's name."
  type        = string

  validation {
    condition     = length(trimspace(var.organization)) > 0 && length(var.organization) <= 64
    error_message = "Write 1 to 64 characters: RFC 5280 allows no more."
  }
}

variable "parent" {
  description = "The authority above this one, in ACM Private CA, and how it signs. null: this one is a root."
  type = object({
    certificate_authority_arn = string
    signing_algorithm         = optional(string, "SHA256WITHECDSA")
  })
  default = null

  validation {
    condition     = var.parent == null ? true : can(regex("^arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[0-9a-f-]+$", var.parent.certificate_authority_arn))
    error_message = "parent.certificate_authority_arn is the ARN of a private certificate authority."
  }

  validation {
    condition     = var.parent == null ? true : contains(["SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA", "SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA"], var.parent.signing_algorithm)
    error_message = "parent.signing_algorithm is SHA256, SHA384 or SHA512, WITHECDSA or WITHRSA, as the parent's key demands."
  }
}

variable "validity_years" {
  description = "How long the authority's own certificate is valid. A parent's must be valid longer."
  type        = number
  default     = 5

  validation {
    condition     = var.validity_years >= 1 && var.validity_years <= 10 && floor(var.validity_years) == var.validity_years
    error_message = "Write 1 to 10 years: an authority that nobody replaces is one that nobody can replace."
  }
}

variable "crl_days" {
  description = "Days from a CRL to its nextUpdate. AWS publishes the next one after half of them; when it cannot, callers are denied once they are over."
  type        = number
  default     = 7

  validation {
    condition     = var.crl_days >= 2 && var.crl_days <= 30 && floor(var.crl_days) == var.crl_days
    error_message = "Write 2 to 30 days: less leaves no time to mend a failed publication, more keeps a stale CRL in force."
  }
}
