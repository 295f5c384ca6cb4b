# Test code: decides requests by a policy document, as IAM does. It knows what our policies use: actions by their whole names, resources with `*`,
# the operators StringEquals, StringNotEquals, StringLike, StringNotLike, ArnEquals, ArnNotEquals, ArnLike, ArnNotLike and Bool, and the
# principals `*`, a role and an account's root. A negated operator holds when the key is absent, any other does not.

variable "policy" {
  description = "The document, as JSON."
  type        = string
}

variable "requests" {
  description = "Requests by name. The context's aws:PrincipalArn says who asks."
  type = map(object({
    action   = string
    resource = string
    context  = map(string)
  }))
}

locals {
  statements = jsondecode(var.policy).Statement

  # Every `*` of a pattern stands for any characters, everything else for itself.
  matching = {
    for name, request in var.requests : name => [
      for statement in local.statements : statement
      if contains(flatten([statement.Action]), request.action)
      && anytrue([for pattern in flatten([statement.Resource]) : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", request.resource))])
      && anytrue([
        for principal in flatten([try(statement.Principal.AWS, "*")]) :
        principal == "*" || principal == request.context["aws:PrincipalArn"] ||
        try(endswith(principal, ":root") && split(":", principal)[4] == split(":", request.context["aws:PrincipalArn"])[4], false)
      ])
      && alltrue(flatten([
        for operator, keys in try(statement.Condition, {}) : [
          for key, values in keys : strcontains(operator, "Not") != anytrue([
            for pattern in flatten([values]) :
            can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", request.context[key]))
          ])
        ]
      ]))
    ]
  }
}

output "decisions" {
  description = "By request: the Sids that deny it; or none and `allow`; or neither."
  value = {
    for name, statements in local.matching : name => (
      anytrue([for statement in statements : statement.Effect == "Deny"])
      ? "deny: ${join(", ", [for statement in statements : statement.Sid if statement.Effect == "Deny"])}"
      : anytrue([for statement in statements : statement.Effect == "Allow"]) ? "allow" : "no statement"
    )
  }
}
