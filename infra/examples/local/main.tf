# The provider's side on a local AWS: the real modules and the real functions, on emulators. It proves that what is applied works together;
# it proves nothing about IAM, which emulators do not enforce.
# Where each service is, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_EC2 … say (README).

provider "aws" {
  region                      = var.region
  access_key                  = "000000000000"
  secret_key                  = "local"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 5
}

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "this" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, count.index)
  availability_zone = "${var.region}${["a", "b"][count.index]}"
}

module "invoices" {
  source = "../../modules/provider-service"

  name                = "invoices"
  vpc_id              = aws_vpc.this.id
  subnet_ids          = aws_subnet.this[*].id
  access_policy_path  = var.access_policy_path
  deletion_protection = false
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
    architecture = "x86_64"
    zips = {
      endpoint-approver   = "${var.artifacts_path}/endpoint-approver/bootstrap.zip"
      certificate-revoker = "${var.artifacts_path}/certificate-revoker/bootstrap.zip"
      certificate-rotator = "${var.artifacts_path}/certificate-rotator/bootstrap.zip"
      posture-reporter    = "${var.artifacts_path}/posture-reporter/bootstrap.zip"
    }
  }

  # Revocations by identity need the deny list alone: an authority that is named and not there is enough here.
  certificate_authorities = [{
    arn            = "arn:aws:acm-pca:${var.region}:000000000000:certificate-authority/01234567-89ab-cdef-0123-456789abcdef"
    crl_bucket_arn = "arn:aws:s3:::linkward-crl"
  }]

  certificates         = { trust_domain = yamldecode(file(var.access_policy_path)).trustDomain }
  consumer_account_ids = module.invoices.consumer_account_ids
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  sweep_schedule       = "rate(1 minute)"
  removal              = { grace = "0s" }
  deletion_protection  = false
}
