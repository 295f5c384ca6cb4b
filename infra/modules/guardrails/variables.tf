variable "name" {
  description = "The name given to module control-plane: roles, functions, bus and tables begin with it."
  type        = string
  default     = "linkward"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "Write 2 to 24 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "target_ids" {
  description = "What the policies bind: ids of accounts, organizational units or the root."
  type        = set(string)

  validation {
    condition     = length(var.target_ids) > 0 && alltrue([for id in var.target_ids : can(regex("^([0-9]{12}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$", id))])
    error_message = "Give at least one id of an account, an organizational unit or a root, such as ou-ab12-abcdefgh."
  }
}

variable "private_target_ids" {
  description = "Accounts, organizational units or the root whose VPCs take nothing from the internet (VPC Block Public Access, as a declarative policy). Everything public in them stops being reachable at once."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.private_target_ids : can(regex("^([0-9]{12}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$", id))])
    error_message = "Write ids of accounts, organizational units or a root, such as ou-ab12-abcdefgh."
  }
}

variable "deployment_role_arns" {
  description = "Roles that apply these modules, and the one for emergencies: they alone change what the policies protect. Accounts may be a wildcard."
  type        = list(string)

  validation {
    # Without any, nobody could ever change endpoint services again but by detaching the policy.
    condition     = length(var.deployment_role_arns) > 0
    error_message = "Name at least one deployment role."
  }

  validation {
    # The account may be a wildcard, the name may not: whoever may make a role could give it a fitting one.
    condition     = alltrue([for arn in var.deployment_role_arns : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|\\*):role/[A-Za-z0-9/_+=,.@-]+$", arn))])
    error_message = "Write ARNs of roles, such as arn:aws:iam::*:role/deployment: a wildcard only for the account."
  }
}

variable "operator_role_arns" {
  description = "Roles that write the access policy and ask the approver for a dry run: those of module control-plane. Accounts may be a wildcard."
  type        = list(string)

  validation {
    condition     = length(var.operator_role_arns) > 0
    error_message = "Name at least one operator role: without any only deployments could push an access policy."
  }

  validation {
    condition     = alltrue([for arn in var.operator_role_arns : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|\\*):role/[A-Za-z0-9/_+=,.@-]+$", arn))])
    error_message = "Write ARNs of roles, such as arn:aws:iam::*:role/security-operator: a wildcard only for the account."
  }
}

variable "issuer_role_arns" {
  description = "Roles besides the certificate rotator and deployments that may issue certificates. Accounts may be a wildcard."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.issuer_role_arns : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|\\*):role/[A-Za-z0-9/_+=,.@-]+$", arn))])
    error_message = "Write ARNs of roles, such as arn:aws:iam::*:role/issuer: a wildcard only for the account."
  }
}
