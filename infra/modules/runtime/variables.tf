variable "name" {
  description = "Name of the service: cluster, tasks and logs carry it."
  type        = string

  validation {
    # Roles take 64 characters, and ours add 18.
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "Write 2 to 32 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the tasks: the load balancer's."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "Write the id of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the tasks, with a way to AWS's APIs: VPC endpoints or a NAT gateway."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Give at least two different ids of subnets, such as subnet-0123456789abcdef0."
  }
}

variable "load_balancer" {
  description = "The load balancer in front (output `load_balancer` of module provider-service)."
  type = object({
    security_group_id  = string
    target_group_arn   = string
    arn_suffix         = string
    availability_zones = list(string)
    cidr_blocks        = list(string)
    tls_port           = number
    health_port        = number
  })

  validation {
    # The PROXY header is believed from these networks: one too many, and whoever is in it says which endpoint he came through.
    condition     = length(var.load_balancer.cidr_blocks) > 0 && alltrue([for block in var.load_balancer.cidr_blocks : can(cidrhost(block, 0)) && try(tonumber(split("/", block)[1]), 0) >= 16])
    error_message = "load_balancer.cidr_blocks are the load balancer's subnets, /16 or smaller, each: give the output of module provider-service."
  }

  validation {
    condition     = alltrue([for port in [var.load_balancer.tls_port, var.load_balancer.health_port] : port >= 1024 && port <= 65535 && port != 8081]) && var.load_balancer.tls_port != var.load_balancer.health_port
    error_message = "load_balancer.tls_port and health_port are two ports from 1024 to 65535, for the runtime is nobody, and not its admin port 8081."
  }
}

variable "tables" {
  description = "ARNs of the tables and of their key (output `tables` of module control-plane)."
  type = object({
    access-policy      = string
    deny-list          = string
    endpoint-inventory = string
    kms_key            = string
  })

  validation {
    condition     = alltrue([for name, arn in var.tables : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", arn)) if name != "kms_key"])
    error_message = "Every table is the ARN of a DynamoDB table: give the output `tables` of module control-plane."
  }

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-f-]+$", var.tables.kms_key))
    error_message = "tables.kms_key is the ARN of a KMS key: give the output `tables` of module control-plane."
  }
}

variable "image" {
  description = "The runtime's image, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Write REPOSITORY@sha256:DIGEST: a tag can be moved to another image."
  }
}

variable "configuration" {
  description = "The runtime's configuration: tls, identity, policy, limits, telemetry, as an object, or `yamldecode(file(…))`. Addresses, PROXY protocol, upstream and tables are set by this module."
  # An object, whose values may be unknown to a first plan one by one; the runtime itself refuses what it does not know.
  type = any

  validation {
    condition     = can(keys(var.configuration.tls)) && can(var.configuration.identity.trustDomain)
    error_message = "Write an object with at least `tls = {}` and `identity = { trustDomain = … }`; what is written in YAML goes through yamldecode."
  }

  validation {
    condition     = length(setintersection(try(keys(var.configuration), []), ["listen", "adminListen", "healthListen", "proxyProtocol", "upstream"])) == 0
    error_message = "Leave out listen, adminListen, healthListen, proxyProtocol and upstream: they follow from the load balancer and the API."
  }

  validation {
    condition     = !can(var.configuration.denyList.source) && !can(var.configuration.endpoints.source)
    error_message = "Leave out denyList.source and endpoints.source: they are the tables of the control plane."
  }

  validation {
    # Plain HTTP to anywhere else would end at the security group, in silence.
    condition     = !can(var.configuration.telemetry.otlpEndpoint)
    error_message = "Leave out telemetry.otlpEndpoint: it is the collector in the task (variable collector)."
  }

  validation {
    condition     = !can(var.configuration.policy.bundle.cacheDirectory)
    error_message = "Leave out policy.bundle.cacheDirectory: nothing of the container can be written, and a task that starts reads the bundle anew."
  }
}

variable "files" {
  description = "Secrets that the runtime reads as files. secrets: by file name, the ARN of a secret (or of a key of its JSON, …:secret:NAME:KEY::); server.crt, server.key and ca.crt are found without being named in the configuration. image: one with a shell, such as busybox, by digest, which writes them when a task starts. A new value takes a new deployment."
  type = object({
    secrets = map(string)
    image   = string
  })
  default = null

  validation {
    condition     = alltrue([for name in keys(try(var.files.secrets, {})) : can(regex("^[a-z0-9][a-z0-9.-]*$", name))])
    error_message = "File names are lower-case letters, digits, dots and hyphens."
  }

  validation {
    condition     = alltrue([for arn in values(try(var.files.secrets, {})) : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+(:[^:]*:[^:]*:[^:]*)?$", arn))])
    error_message = "Every file is the ARN of a secret, or of a key of its JSON: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME or …:NAME:KEY::."
  }

  validation {
    condition     = var.files == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.files.image))
    error_message = "files.image is REPOSITORY@sha256:DIGEST: a tag can be moved to another image."
  }

  validation {
    # A task without them would start, fail and start again.
    condition = alltrue([
      for key, name in { certificateChain = "server.crt", privateKey = "server.key", clientTrustAnchors = "ca.crt" } :
      can(var.configuration.tls[key]) || contains(keys(try(var.files.secrets, {})), name)
    ])
    error_message = "The runtime needs server.crt, server.key and ca.crt among files.secrets, or tls.certificateChain, tls.privateKey and tls.clientTrustAnchors in the configuration."
  }
}

variable "api" {
  description = "The API: a container that listens on loopback. Secrets by environment variable. null: the runtime's built-in answer."
  type = object({
    image       = string
    port        = number
    environment = optional(map(string), {})
    secrets     = optional(map(string), {})
  })
  default = null

  validation {
    condition     = var.api == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.api.image))
    error_message = "api.image is REPOSITORY@sha256:DIGEST: a tag can be moved to another image."
  }

  validation {
    condition     = var.api == null ? true : var.api.port >= 1024 && var.api.port <= 65535 && !contains([4318, 8080, 8081, 8443], var.api.port)
    error_message = "api.port is from 1024 to 65535, and none of the runtime's 8080, 8081 and 8443 and the collector's 4318."
  }
}

variable "collector" {
  description = "A collector for traces and metrics beside the runtime: a container that takes OTLP over HTTP on 127.0.0.1:4318 and passes it on over HTTPS. Its configuration by environment or command, as its image wants it; what it may do in AWS is the task role's, to which you attach it. null: no traces."
  type = object({
    image       = string
    command     = optional(list(string))
    environment = optional(map(string), {})
  })
  default = null

  validation {
    condition     = var.collector == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.collector.image))
    error_message = "collector.image is REPOSITORY@sha256:DIGEST: a tag can be moved to another image."
  }
}

variable "scaling" {
  description = "How many tasks, and what one of them takes before there are more."
  type = object({
    min                  = optional(number, 2)
    max                  = optional(number, 10)
    cpu_percent          = optional(number, 60)
    connections_per_task = optional(number, 5000)
  })
  default = {}

  validation {
    condition     = var.scaling.min >= 2 && var.scaling.max >= var.scaling.min
    error_message = "scaling.min is at least 2, for one task is one failure, and scaling.max no less."
  }

  validation {
    condition     = var.scaling.cpu_percent >= 10 && var.scaling.cpu_percent <= 90
    error_message = "scaling.cpu_percent is from 10 to 90."
  }

  validation {
    # The runtime's own limit is 10,000: scaling must come before refusing.
    condition     = var.scaling.connections_per_task >= 100 && var.scaling.connections_per_task <= 9000
    error_message = "scaling.connections_per_task is from 100 to 9000."
  }
}

variable "size" {
  description = "A task's CPU units, its memory in MiB, and its architecture, the images' own."
  type = object({
    cpu          = optional(number, 512)
    memory       = optional(number, 1024)
    architecture = optional(string, "ARM64")
  })
  default = {}

  validation {
    condition = try(
      contains({
        "256"  = [512, 1024, 2048]
        "512"  = range(1024, 4097, 1024)
        "1024" = range(2048, 8193, 1024)
        "2048" = range(4096, 16385, 1024)
        "4096" = range(8192, 30721, 1024)
      }[tostring(var.size.cpu)], var.size.memory),
      false,
    )
    error_message = "size is one of Fargate's: cpu 256, 512, 1024, 2048 or 4096, and memory from twice to eight times as much, in GiB steps."
  }

  validation {
    condition     = contains(["ARM64", "X86_64"], var.size.architecture)
    error_message = "size.architecture is ARM64 or X86_64."
  }
}

variable "secret_kms_key_arns" {
  description = "Keys of your own that encrypt the secrets."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-f-]+$", arn))])
    error_message = "Write ARNs of KMS keys, such as arn:aws:kms:eu-west-1:123456789012:key/…"
  }
}
