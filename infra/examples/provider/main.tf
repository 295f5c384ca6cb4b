# The provider's account: one API behind its endpoint service, and the outer gate that decides who may connect.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "linkward" }
  }
}

module "invoices" {
  source = "../../modules/provider-service"

  name               = "invoices"
  vpc_id             = var.vpc_id
  subnet_ids         = var.subnet_ids
  access_policy_path = var.access_policy_path
}

module "pki" {
  source = "../../modules/pki"

  common_name  = "Internal API callers"
  organization = var.organization
}

module "control_plane" {
  source = "../../modules/control-plane"

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

  # Watched as soon as it is there: before, every report would end as an error.
  certificate_authorities = [merge(module.pki.certificate_authority, { crl_uri = var.check_crl ? module.pki.crl_uri : null })]
  certificates            = { trust_domain = yamldecode(file(var.access_policy_path)).trustDomain }
  consumer_account_ids    = module.invoices.consumer_account_ids
  operator_role_arns      = var.operator_role_arns
  mode                    = var.mode
}

module "runtime" {
  source = "../../modules/runtime"

  name          = "invoices"
  vpc_id        = var.vpc_id
  subnet_ids    = var.subnet_ids
  image         = var.runtime_image
  load_balancer = module.invoices.load_balancer
  tables        = module.control_plane.tables
  files         = var.files
  api           = var.api

  configuration = {
    tls = merge(
      { maxClientCertificateLifetime = "30d" },
      # Without it the deny list alone revokes; with it a task starts only once there is a CRL.
      var.check_crl ? { crls = [module.pki.crl_uri] } : {},
    )
    identity = { trustDomain = yamldecode(file(var.access_policy_path)).trustDomain }
    policy   = { mode = var.mode }

    # Alarms and dashboard read the runtime's numbers.
    telemetry = { emf = "stdout" }
  }
}

module "observability" {
  source = "../../modules/observability"

  functions            = module.control_plane.functions
  deployment_role_arns = var.deployment_role_arns
  email_addresses      = var.email_addresses

  services = {
    invoices = {
      load_balancer_arn_suffix = module.invoices.load_balancer.arn_suffix
      target_group_arn_suffix  = module.invoices.load_balancer.target_group_arn_suffix
      log_group                = module.runtime.service.log_group
      endpoint_service         = { id = module.invoices.service_id }
    }
  }
}
