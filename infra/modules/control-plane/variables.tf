variable "name" {
  description = "Name of the bus, and what every name of this module begins with."
  type        = string
  default     = "linkward"

  validation {
    # Rules take 64 characters, and the longest of ours adds 33.
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name)) && var.name != "default"
    error_message = "Write 2 to 24 lower-case letters, digits and hyphens, beginning with a letter; not `default`, which is AWS's own bus."
  }
}

variable "endpoint_services" {
  description = "The endpoint services to manage, by a name for each (outputs of module provider-service)."
  type = map(object({
    service_id             = string
    notification_topic_arn = string
  }))

  validation {
    # An approver with no service would describe nothing; one with no filter would decide about services that are not ours.
    condition     = length(var.endpoint_services) > 0
    error_message = "Name at least one endpoint service."
  }

  validation {
    condition     = alltrue([for service in var.endpoint_services : can(regex("^vpce-svc-[0-9a-f]+$", service.service_id))])
    error_message = "Every service_id is the id of an endpoint service, such as vpce-svc-0123456789abcdef0."
  }

  validation {
    condition     = alltrue([for service in var.endpoint_services : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", service.notification_topic_arn))])
    error_message = "Every notification_topic_arn is the ARN of an SNS topic."
  }

  validation {
    condition     = alltrue([for name in keys(var.endpoint_services) : can(regex("^[a-z0-9-]{1,40}$", name))])
    error_message = "Names of endpoint services are up to 40 lower-case letters, digits and hyphens."
  }
}

variable "artifacts" {
  description = "The built functions: the zip of each, by the function's name, and the architecture they were built for."
  type = object({
    zips         = map(string)
    architecture = optional(string, "arm64")
  })

  validation {
    condition     = alltrue([for zip in values(var.artifacts.zips) : endswith(zip, ".zip") && fileexists(zip)])
    error_message = "Every artifact is the path of a zip that exists: build it first (cargo lambda build --profile lambda --arm64 --output-format zip)."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.artifacts.architecture)
    error_message = "artifacts.architecture is arm64 or x86_64."
  }
}

variable "operator_role_arns" {
  description = "Roles that may send as linkward.operator: ask for revocations and sweeps, announce a policy."
  type        = list(string)

  validation {
    condition     = length(var.operator_role_arns) > 0
    error_message = "Name at least one operator role: without any nobody can revoke."
  }

  validation {
    # A session's principal is its role. A wildcard, an account or a user would let in whoever comes next.
    condition     = alltrue([for arn in var.operator_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9/_+=,.@-]+$", arn))])
    error_message = "Write whole ARNs of IAM roles, such as arn:aws:iam::123456789012:role/security-operator; no wildcards, accounts or users."
  }
}

variable "consumer_account_ids" {
  description = "Accounts that may forward CreateVpcEndpoint to the bus (output `consumer_account_ids` of module provider-service)."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.consumer_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "Account ids are 12 digits."
  }
}

variable "certificate_authorities" {
  description = "The certificate authorities whose certificates may be revoked, each with the bucket of its CRL and where in it the CRL lies (output `certificate_authority` of module pki). During a rollover: the old one too. Without crl_uri nobody warns of a CRL that is not renewed."
  type = list(object({
    arn            = string
    crl_bucket_arn = string
    crl_uri        = optional(string)
  }))

  validation {
    condition     = length(var.certificate_authorities) > 0
    error_message = "Name at least one certificate authority."
  }

  validation {
    condition     = alltrue([for authority in var.certificate_authorities : can(regex("^arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[0-9a-f-]+$", authority.arn))])
    error_message = "Every arn is the ARN of a private certificate authority."
  }

  validation {
    condition     = alltrue([for authority in var.certificate_authorities : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]+$", authority.crl_bucket_arn))])
    error_message = "Every crl_bucket_arn is the ARN of a bucket, without a path."
  }

  validation {
    # The reporter's right to read it is for this object.
    condition     = alltrue([for authority in var.certificate_authorities : can(regex("^s3://[a-z0-9][a-z0-9.-]{2,62}/[^,*?]+$", authority.crl_uri)) if authority.crl_uri != null])
    error_message = "Every crl_uri is s3://BUCKET/KEY."
  }
}

variable "certificates" {
  description = "What the rotator issues: the trust domain, for how many days, and a secret for each caller whose identity it rotates, by a name for each. Who may read a secret is said by its own policy."
  type = object({
    trust_domain  = string
    lifetime_days = optional(number, 14)
    secrets = optional(map(object({
      identity     = string
      test_address = optional(string)
    })), {})
  })

  validation {
    condition     = can(regex("^[a-z0-9._-]{1,255}$", var.certificates.trust_domain))
    error_message = "certificates.trust_domain is the trust domain of the access policy, such as internal.example."
  }

  validation {
    condition     = var.certificates.lifetime_days >= 7 && var.certificates.lifetime_days <= 30 && floor(var.certificates.lifetime_days) == var.certificates.lifetime_days
    error_message = "certificates.lifetime_days is 7 to 30: less leaves no time to rotate, more leaves a lost key in force."
  }

  validation {
    condition     = alltrue([for secret in var.certificates.secrets : startswith(secret.identity, "spiffe://${var.certificates.trust_domain}/")])
    error_message = "Every identity is a SPIFFE ID of the trust domain, such as spiffe://internal.example/prod/orders-api."
  }

  validation {
    condition     = alltrue([for name in keys(var.certificates.secrets) : can(regex("^[a-z0-9-]{1,40}$", name))])
    error_message = "Names of secrets are up to 40 lower-case letters, digits and hyphens."
  }
}

variable "policy" {
  description = "Where the functions read the access policy, when not in the table of this module: appconfig:APPLICATION/ENVIRONMENT/PROFILE by ids (output `policy_source` of module policy-store), or an OPA bundle, bundle:s3://BUCKET/KEY or bundle:https://…. verification_key: the public key that a bundle must be signed by, as the path of a PEM file in the functions' zips."
  type = object({
    source           = optional(string)
    verification_key = optional(string)
  })
  default = {}

  validation {
    condition = var.policy.source == null ? true : anytrue([
      for form in ["^appconfig:[a-z0-9]{4,7}/[a-z0-9]{4,7}/[a-z0-9]{4,7}$", "^bundle:s3://[a-z0-9][a-z0-9.-]{2,62}/.+$", "^bundle:https://[^/@?]+/.+$"] : can(regex(form, var.policy.source))
    ])
    error_message = "Write appconfig:APPLICATION/ENVIRONMENT/PROFILE with AppConfig's ids, bundle:s3://BUCKET/KEY or bundle:https://HOST/PATH, or leave policy.source out for the table of this module."
  }

  validation {
    condition     = var.policy.verification_key == null ? true : startswith(coalesce(var.policy.source, "table"), "bundle:")
    error_message = "policy.verification_key is for bundles: neither the table nor AppConfig signs."
  }

  validation {
    condition     = var.policy.verification_key == null ? true : can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*\\.pem$", var.policy.verification_key))
    error_message = "policy.verification_key is the path of a PEM file in the functions' zips, such as keys/policy.pem."
  }
}

variable "mode" {
  description = "enforce, or audit: verdicts and revocations are reported, nothing is changed."
  type        = string
  default     = "enforce"

  validation {
    condition     = contains(["audit", "enforce"], var.mode)
    error_message = "mode is enforce or audit."
  }
}

variable "removal" {
  description = "How long an accepted connection stays after the policy stopped allowing it, and how many one run may remove before it stops and alarms."
  type = object({
    grace = optional(string, "15m")
    max   = optional(number, 5)
  })
  default = {}

  validation {
    condition     = can(regex("^[0-9]{1,9}(ms|s|m|h|d)$", var.removal.grace))
    error_message = "removal.grace is an integer and ms, s, m, h or d, such as 15m."
  }

  validation {
    condition     = var.removal.max >= 0 && var.removal.max <= 100000 && floor(var.removal.max) == var.removal.max
    error_message = "removal.max is an integer from 0 (remove nothing) to 100000."
  }
}

variable "collector" {
  description = "A collector for the functions' spans, by OTLP over plain HTTP: the layers that bring it as an extension of each function (OpenTelemetry's or AWS's), where it listens (OTEL_EXPORTER_OTLP_ENDPOINT), and its configuration, a path in the functions' zips or in a layer. null: nothing is traced."
  type = object({
    layers        = list(string)
    endpoint      = optional(string, "http://127.0.0.1:4318")
    configuration = optional(string)
  })
  default = null

  validation {
    condition     = var.collector == null ? true : length(var.collector.layers) >= 1 && length(var.collector.layers) <= 5
    error_message = "collector.layers names the layer of the collector, and at most five in all: without one, nothing listens."
  }

  validation {
    # Without a version it would be whatever is newest when somebody applies.
    condition     = var.collector == null ? true : alltrue([for layer in var.collector.layers : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", layer))])
    error_message = "Every layer is the ARN of a version: arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."
  }

  validation {
    # Spans name accounts and endpoints. In clear text they stay within the function.
    condition     = var.collector == null ? true : can(regex("^http://(127\\.0\\.0\\.1|localhost|\\[::1\\]):[0-9]{1,5}$", var.collector.endpoint))
    error_message = "collector.endpoint is on loopback, where the extension listens: http://127.0.0.1:4318."
  }

  validation {
    condition     = var.collector == null ? true : var.collector.configuration == null ? true : can(regex("^/(opt|var/task)/[A-Za-z0-9_./-]+\\.ya?ml$", var.collector.configuration))
    error_message = "collector.configuration is a YAML file in the functions' zips (/var/task/…) or in a layer (/opt/…)."
  }
}

variable "sweep_schedule" {
  description = "How often the approver looks at every connection, whatever it was told."
  type        = string
  default     = "rate(5 minutes)"

  validation {
    condition     = can(regex("^(rate\\(([2-9]|[1-5][0-9]) minutes\\)|rate\\(1 (minute|hour)\\))$", var.sweep_schedule))
    error_message = "Write rate(N minutes), at most an hour apart: the sweep is what repairs everything else."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the tables. Turn it off, apply, and only then destroy."
  type        = bool
  default     = true
}
