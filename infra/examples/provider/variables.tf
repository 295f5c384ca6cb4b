variable "region" {
  description = "Region of the service."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_id" {
  description = "VPC of the API."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of load balancer and tasks, with a way to AWS's APIs."
  type        = list(string)
}

variable "access_policy_path" {
  description = "The access policy."
  type        = string
  default     = "access.yaml"
}

variable "artifacts_path" {
  description = "Folder of the built functions, as cargo lambda leaves it."
  type        = string
  default     = "../../../target/lambda"
}

variable "runtime_image" {
  description = "Image of the runtime, by digest."
  type        = string
}

variable "files" {
  description = "Secrets with the server's certificate and key and the trust anchors, and the image that writes them as files (module runtime)."
  type = object({
    secrets = map(string)
    image   = string
  })
}

variable "api" {
  description = "The API's container (module runtime)."
  type = object({
    image       = string
    port        = number
    environment = optional(map(string), {})
    secrets     = optional(map(string), {})
  })
}

variable "mode" {
  description = "audit in the first week, then enforce: for both gates."
  type        = string
  default     = "audit"
}

variable "check_crl" {
  description = "Whether the runtime checks the authority's CRL, and the reporter watches it. AWS publishes the first one when the first certificate was issued: false until then."
  type        = bool
  default     = false
}

variable "organization" {
  description = "Organization in the authority's name."
  type        = string
}

variable "operator_role_arns" {
  description = "Roles that may ask for revocations and sweeps."
  type        = list(string)
}

variable "deployment_role_arns" {
  description = "Roles that apply this configuration."
  type        = list(string)
}

variable "email_addresses" {
  description = "Who gets the alarms."
  type        = set(string)
  default     = []
}
