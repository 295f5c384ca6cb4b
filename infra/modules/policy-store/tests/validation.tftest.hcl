# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  access_policy_path = "../../tests/fixtures/access.yaml"
}

run "name_with_blanks" {
  command = plan

  variables {
    name = "my policy"
  }

  expect_failures = [var.name]
}

run "environment_with_blanks" {
  command = plan

  variables {
    environment = "the real one"
  }

  expect_failures = [var.environment]
}

run "policy_that_is_not_there" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/absent.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_of_another_version" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-version-2.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_without_a_trust_domain" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-no-trust-domain.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "deployment_over_two_hours" {
  command = plan

  variables {
    deployment = { minutes = 120 }
  }

  expect_failures = [var.deployment]
}

run "deployment_over_half_a_minute" {
  command = plan

  variables {
    deployment = { minutes = 0.5 }
  }

  expect_failures = [var.deployment]
}

run "deployment_that_never_grows" {
  command = plan

  variables {
    deployment = { growth_percent = 0 }
  }

  expect_failures = [var.deployment]
}

run "deployment_to_more_than_all" {
  command = plan

  variables {
    deployment = { growth_percent = 101 }
  }

  expect_failures = [var.deployment]
}

run "trial_of_a_week" {
  command = plan

  variables {
    deployment = { bake_minutes = 10080 }
  }

  expect_failures = [var.deployment]
}

run "trial_of_half_a_minute" {
  command = plan

  variables {
    deployment = { bake_minutes = 0.5 }
  }

  expect_failures = [var.deployment]
}

run "trial_before_the_deployment" {
  command = plan

  variables {
    deployment = { bake_minutes = -1 }
  }

  expect_failures = [var.deployment]
}

run "policy_longer_than_appconfig_hosts" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-too-long.yaml"
  }

  expect_failures = [aws_appconfig_hosted_configuration_version.this]
}
