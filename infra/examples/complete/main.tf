# Two accounts in one configuration: for a trial, and for organizations that apply both sides from one place.
# Apply; when the endpoint is accepted, apply again for the API's name (README).

provider "aws" {
  alias  = "provider"
  region = var.region

  assume_role {
    role_arn = var.provider_role_arn
  }
}

provider "aws" {
  alias  = "consumer"
  region = var.region

  assume_role {
    role_arn = var.consumer_role_arn
  }
}

# --- the provider's account -------------------------------------------------------------------------------------------

module "invoices" {
  source    = "../../modules/provider-service"
  providers = { aws = aws.provider }

  name                = "invoices"
  vpc_id              = var.provider_network.vpc_id
  subnet_ids          = var.provider_network.subnet_ids
  access_policy_path  = var.access_policy_path
  deletion_protection = false
}

module "pki" {
  source    = "../../modules/pki"
  providers = { aws = aws.provider }

  common_name  = "Internal API callers"
  organization = "Example"
}

# The access policy in AppConfig instead of the table: deployed by the same apply, to both gates.
module "policy_store" {
  source    = "../../modules/policy-store"
  providers = { aws = aws.provider }

  access_policy_path = var.access_policy_path
}

module "control_plane" {
  source    = "../../modules/control-plane"
  providers = { aws = aws.provider }

  endpoint_services = {
    invoices = {
      service_id             = module.invoices.service_id
      notification_topic_arn = module.invoices.notification_topic_arn
    }
  }

  artifacts = {
    zips = {
      endpoint-approver   = "${var.artifacts_path}/endpoint-approver/bootstrap.zip"
      certificate-revoker = "${var.artifacts_path}/certificate-revoker/bootstrap.zip"
      certificate-rotator = "${var.artifacts_path}/certificate-rotator/bootstrap.zip"
      posture-reporter    = "${var.artifacts_path}/posture-reporter/bootstrap.zip"
    }
  }

  # The runtime below checks no CRL: the deny list revokes. With `tls.crls`, leave the authority as it is, and its CRL is watched, too.
  certificate_authorities = [merge(module.pki.certificate_authority, { crl_uri = null })]
  certificates            = { trust_domain = yamldecode(file(var.access_policy_path)).trustDomain }
  consumer_account_ids    = module.invoices.consumer_account_ids
  operator_role_arns      = var.operator_role_arns
  policy                  = { source = module.policy_store.policy_source }
  deletion_protection     = false
}

module "runtime" {
  source    = "../../modules/runtime"
  providers = { aws = aws.provider }

  name          = "invoices"
  vpc_id        = var.provider_network.vpc_id
  subnet_ids    = var.provider_network.subnet_ids
  image         = var.runtime_image
  load_balancer = module.invoices.load_balancer
  tables        = module.control_plane.tables
  files         = var.files

  configuration = {
    tls       = {}
    identity  = { trustDomain = yamldecode(file(var.access_policy_path)).trustDomain }
    policy    = { source = module.policy_store.policy_source }
    telemetry = { emf = "stdout" }
  }
}

module "observability" {
  source    = "../../modules/observability"
  providers = { aws = aws.provider }

  functions            = module.control_plane.functions
  deployment_role_arns = [var.provider_role_arn]

  services = {
    invoices = {
      load_balancer_arn_suffix = module.invoices.load_balancer.arn_suffix
      target_group_arn_suffix  = module.invoices.load_balancer.target_group_arn_suffix
      log_group                = module.runtime.service.log_group
      endpoint_service         = { id = module.invoices.service_id }
    }
  }
}

# --- the consumer's account -------------------------------------------------------------------------------------------

module "orders" {
  source    = "../../modules/consumer"
  providers = { aws = aws.consumer }

  api_name               = "invoices.internal.example"
  service_name           = module.invoices.service_name
  provider_event_bus_arn = module.control_plane.event_bus_arn
  vpc_id                 = var.consumer_network.vpc_id
  subnet_ids             = var.consumer_network.subnet_ids
  client_cidr_blocks     = var.consumer_network.client_cidr_blocks
}
