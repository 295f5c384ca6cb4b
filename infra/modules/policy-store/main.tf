# The access policy in AppConfig: checked before it is deployed, deployed to everybody, and announced.

data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  # By this tag the SCPs of module guardrails know what only operators and deployments may change.
  guarded = { "linkward:access-policy" = "guarded" }

  # JSON: what AppConfig's validator can read. An account that was quoted in YAML stays a string.
  document = jsonencode(yamldecode(file(var.access_policy_path)))

  # AppConfig validates by draft 4 and takes a schema's word for what it is written in. What draft 4 does not know it ignores,
  # so this check is the coarse one; the fine one is `linkward policy check` before the change is merged.
  schema = jsonencode(merge(
    jsondecode(file("${path.module}/../../../policy/core/schema/access-policy.schema.json")),
    { "$schema" = "http://json-schema.org/draft-04/schema#" },
  ))
}

resource "aws_appconfig_application" "this" {
  name        = var.name
  description = "The access policy of ${var.name}"
  tags        = local.guarded
}

# No monitor, on purpose: an alarm would roll back to the revision before, and re-admit whoever was just removed.
resource "aws_appconfig_environment" "this" {
  application_id = aws_appconfig_application.this.id
  name           = var.environment
  tags           = local.guarded
}

# Encrypted with AWS's own key: the policy is no secret, and with a key of ours a reader without the grant for it is locked out.
resource "aws_appconfig_configuration_profile" "this" {
  application_id = aws_appconfig_application.this.id
  name           = "access-policy"
  location_uri   = "hosted"
  type           = "AWS.Freeform"
  tags           = local.guarded

  validator {
    type    = "JSON_SCHEMA"
    content = local.schema
  }
}

resource "aws_appconfig_hosted_configuration_version" "this" {
  application_id           = aws_appconfig_application.this.id
  configuration_profile_id = aws_appconfig_configuration_profile.this.configuration_profile_id
  content_type             = "application/json"
  content                  = local.document

  # Versions are kept: the one before stays deployable while this one is being replaced.
  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.document) <= 1048576
      error_message = "The policy is longer than the 1 MiB that AppConfig hosts: keep it in the table."
    }
  }
}

resource "aws_appconfig_deployment_strategy" "this" {
  name                           = var.name
  description                    = "Urgent removals do not wait for it: they go through the deny list"
  deployment_duration_in_minutes = var.deployment.minutes
  final_bake_time_in_minutes     = var.deployment.bake_minutes
  growth_factor                  = var.deployment.growth_percent
  growth_type                    = "LINEAR"
  replicate_to                   = "NONE"
}

resource "aws_appconfig_deployment" "this" {
  application_id           = aws_appconfig_application.this.id
  environment_id           = aws_appconfig_environment.this.environment_id
  configuration_profile_id = aws_appconfig_configuration_profile.this.configuration_profile_id
  configuration_version    = aws_appconfig_hosted_configuration_version.this.version_number
  deployment_strategy_id   = aws_appconfig_deployment_strategy.this.id
  description              = "sha256:${substr(sha256(local.document), 0, 16)}"

  # The approver hears of this very deployment.
  depends_on = [aws_appconfig_extension_association.events]
}

# Deployments become events of source aws.appconfig on the account's default bus (events/policy-deployed), which wake the approver.
resource "aws_appconfig_extension_association" "events" {
  extension_arn = "arn:${data.aws_partition.current.partition}:appconfig:${data.aws_region.current.name}::extension/AWS.AppConfig.DeploymentNotificationsToEventBridge"
  resource_arn  = aws_appconfig_environment.this.arn
}
