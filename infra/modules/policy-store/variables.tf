variable "name" {
  description = "Name of the application in AppConfig."
  type        = string
  default     = "linkward"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}[a-z0-9]$", var.name))
    error_message = "Write 2 to 64 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Name of the environment: one for each set of accounts that follows this policy."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}[a-z0-9]$", var.environment))
    error_message = "Write 2 to 64 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "access_policy_path" {
  description = "The access policy (YAML or JSON), the same file that module provider-service reads."
  type        = string

  validation {
    condition     = try(yamldecode(file(var.access_policy_path)).version, null) == 1
    error_message = "Give the path of an access policy: YAML or JSON with `version: 1`."
  }

  validation {
    condition     = can(yamldecode(file(var.access_policy_path))) ? can(regex("^[a-z0-9.-]+$", yamldecode(file(var.access_policy_path)).trustDomain)) : true
    error_message = "The access policy names its `trustDomain`."
  }
}

variable "deployment" {
  description = "How a new policy reaches everybody: over how many minutes, in steps of how many percent, and how long it counts as on trial afterwards. The default is at once."
  type = object({
    minutes        = optional(number, 0)
    growth_percent = optional(number, 100)
    bake_minutes   = optional(number, 0)
  })
  default = {}

  validation {
    # A removal waits as long as a deployment takes.
    condition     = var.deployment.minutes >= 0 && var.deployment.minutes <= 60 && floor(var.deployment.minutes) == var.deployment.minutes
    error_message = "deployment.minutes is an integer from 0 to 60: a removed caller stays in until the last step."
  }

  validation {
    condition     = var.deployment.growth_percent >= 1 && var.deployment.growth_percent <= 100
    error_message = "deployment.growth_percent is from 1 to 100."
  }

  validation {
    condition     = var.deployment.bake_minutes >= 0 && var.deployment.bake_minutes <= 1440 && floor(var.deployment.bake_minutes) == var.deployment.bake_minutes
    error_message = "deployment.bake_minutes is an integer from 0 to 1440."
  }
}
