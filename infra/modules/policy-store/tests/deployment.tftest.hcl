mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  access_policy_path = "../../tests/fixtures/access.yaml"
}

run "what_is_deployed_is_the_policy" {
  assert {
    condition     = jsondecode(aws_appconfig_hosted_configuration_version.this.content) == yamldecode(file(var.access_policy_path))
    error_message = "the document must say what the file says"
  }

  assert {
    condition     = strcontains(aws_appconfig_hosted_configuration_version.this.content, "\"account\":\"012345678901\"")
    error_message = "an account must stay a string, leading zero included"
  }

  assert {
    condition = (
      aws_appconfig_deployment.this.configuration_version == tostring(aws_appconfig_hosted_configuration_version.this.version_number) &&
      aws_appconfig_deployment.this.environment_id == "env1234" && aws_appconfig_deployment.this.configuration_profile_id == "pro1234"
    )
    error_message = "the new version must be deployed"
  }
}

run "a_malformed_policy_is_refused_before_it_is_deployed" {
  assert {
    condition     = one(aws_appconfig_configuration_profile.this.validator).type == "JSON_SCHEMA"
    error_message = "the profile needs the schema as validator"
  }

  assert {
    condition = (
      jsondecode(one(aws_appconfig_configuration_profile.this.validator).content)["$schema"] == "http://json-schema.org/draft-04/schema#" &&
      { for key, value in jsondecode(one(aws_appconfig_configuration_profile.this.validator).content) : key => value if key != "$schema" } ==
      { for key, value in jsondecode(file("../../../policy/core/schema/access-policy.schema.json")) : key => value if key != "$schema" }
    )
    error_message = "the validator must be the published schema, in the draft that AppConfig reads"
  }

  assert {
    condition     = length(one(aws_appconfig_configuration_profile.this.validator).content) <= 32768
    error_message = "AppConfig takes no schema of more than 32,768 characters"
  }
}

run "a_removal_is_neither_slow_nor_undone" {
  assert {
    condition     = length(aws_appconfig_environment.this.monitor) == 0
    error_message = "an alarm that rolls back re-admits whoever was removed"
  }

  assert {
    condition = (
      aws_appconfig_deployment_strategy.this.deployment_duration_in_minutes == 0 && aws_appconfig_deployment_strategy.this.growth_factor == 100 &&
      aws_appconfig_deployment_strategy.this.final_bake_time_in_minutes == 0
    )
    error_message = "by default a policy is deployed at once"
  }
}

run "a_slower_deployment_can_be_asked_for" {
  variables {
    deployment = { minutes = 10, growth_percent = 20, bake_minutes = 30 }
  }

  assert {
    condition = (
      aws_appconfig_deployment_strategy.this.deployment_duration_in_minutes == 10 && aws_appconfig_deployment_strategy.this.growth_factor == 20 &&
      aws_appconfig_deployment_strategy.this.final_bake_time_in_minutes == 30
    )
    error_message = "the strategy must be the one asked for"
  }
}

run "deployments_wake_the_approver" {
  assert {
    condition = (
      aws_appconfig_extension_association.events.extension_arn == "arn:aws:appconfig:eu-west-1::extension/AWS.AppConfig.DeploymentNotificationsToEventBridge" &&
      aws_appconfig_extension_association.events.resource_arn == aws_appconfig_environment.this.arn
    )
    error_message = "without the extension nobody hears of a deployment"
  }

  assert {
    condition     = output.policy_source == "appconfig:abc1234/env1234/pro1234"
    error_message = "readers need the source by ids"
  }
}

run "what_the_guardrails_guard_is_tagged" {
  assert {
    condition = alltrue([
      for tags in [aws_appconfig_application.this.tags, aws_appconfig_environment.this.tags, aws_appconfig_configuration_profile.this.tags] :
      strcontains(file("../guardrails/policies/control-plane.json.tftpl"), "\"aws:ResourceTag/${one(keys(tags))}\": \"${one(values(tags))}\"")
    ])
    error_message = "the SCP knows the policy's resources by this very tag"
  }
}
