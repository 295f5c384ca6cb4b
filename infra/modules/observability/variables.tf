variable "name" {
  description = "What names of alarms, topic and dashboard begin with."
  type        = string
  default     = "linkward"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "Write 2 to 24 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "functions" {
  description = "The functions (output `functions` of module control-plane)."
  type = map(object({
    function_name     = string
    role_arn          = string
    dead_letter_queue = string
  }))

  validation {
    condition     = contains(keys(var.functions), "endpoint-approver")
    error_message = "Give the whole output `functions` of module control-plane: endpoint-approver is missing."
  }
}

variable "services" {
  description = "The APIs by the name that the runtime gives its numbers (`telemetry.serviceName`, by default the name of module runtime): suffixes of load balancer and target group and the endpoint service (outputs `load_balancer` and `service_id` of module provider-service), the runtime's log group (output `service` of module runtime). `embedded_metrics`: whether the runtime writes its numbers to its log (`telemetry.emf: stdout`). `thresholds`: what is too much in five minutes, in seconds for those that end so."
  type = map(object({
    load_balancer_arn_suffix = string
    target_group_arn_suffix  = string
    log_group                = string
    endpoint_service         = optional(object({ id = string }))
    embedded_metrics         = optional(bool, true)
    thresholds = optional(object({
      unknown_callers       = optional(number, 10)
      handshake_failures    = optional(number, 50)
      upstream_errors       = optional(number, 10)
      rejected_flows        = optional(number, 10)
      resets                = optional(number, 100)
      p95_seconds           = optional(number, 1)
      snapshot_age_seconds  = optional(number, 900)
      deny_list_lag_seconds = optional(number, 30)
    }), {})
  }))
  default = {}

  validation {
    condition     = alltrue([for service in var.services : startswith(service.load_balancer_arn_suffix, "net/") && startswith(service.target_group_arn_suffix, "targetgroup/")])
    error_message = "Alarms want suffixes of ARNs: net/… for the load balancer, targetgroup/… for the target group."
  }

  validation {
    condition     = alltrue([for service in var.services : can(regex("^vpce-svc-[0-9a-f]+$", service.endpoint_service.id)) if service.endpoint_service != null])
    error_message = "Write the id of the endpoint service, such as vpce-svc-0123456789abcdef0, not its name."
  }

  validation {
    condition     = alltrue(flatten([for service in var.services : [for threshold in values(service.thresholds) : threshold > 0]]))
    error_message = "A threshold of nothing would ring for ever; write more than 0."
  }
}

variable "deployment_role_arns" {
  description = "Roles that apply these modules: whoever else changes an endpoint service raises an alarm."
  type        = list(string)

  validation {
    condition     = length(var.deployment_role_arns) > 0 && alltrue([for arn in var.deployment_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9/_+=,.@-]+$", arn))])
    error_message = "Write at least one whole ARN of an IAM role, such as arn:aws:iam::123456789012:role/deployment; a pattern of EventBridge knows no wildcards here."
  }
}

variable "email_addresses" {
  description = "Who gets the alarms by mail. Anything else subscribes to the topic."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.email_addresses : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[a-z]{2,}$", address))])
    error_message = "Write addresses such as oncall@example.com."
  }
}
