# A consumer's account: an endpoint to the provider's API, under the API's own name.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "linkward" }
  }
}

module "invoices" {
  source = "../../modules/consumer"

  api_name               = var.api_name
  service_name           = var.service_name
  provider_event_bus_arn = var.provider_event_bus_arn
  vpc_id                 = var.vpc_id
  subnet_ids             = var.subnet_ids

  client_security_group_ids = { orders = var.orders_security_group_id }
}
