variable "region" {
  description = "Region of the local AWS."
  type        = string
  default     = "eu-west-1"
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
