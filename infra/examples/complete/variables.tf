variable "region" {
  description = "Region of both sides."
  type        = string
  default     = "eu-west-1"
}

variable "provider_role_arn" {
  description = "Role to assume in the provider's account."
  type        = string
}

variable "consumer_role_arn" {
  description = "Role to assume in the consumer's account."
  type        = string
}

variable "provider_network" {
  description = "VPC and private subnets of the API."
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
}

variable "consumer_network" {
  description = "VPC and subnets of the endpoint, and the networks of the callers."
  type = object({
    vpc_id             = string
    subnet_ids         = list(string)
    client_cidr_blocks = set(string)
  })
}

variable "access_policy_path" {
  description = "The access policy: it must list the consumer's account."
  type        = string
  default     = "../provider/access.yaml"
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

variable "operator_role_arns" {
  description = "Roles that may ask for revocations and sweeps."
  type        = list(string)
}
