# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  target_ids           = ["ou-ab12-abcdefgh", "123456789012"]
  deployment_role_arns = ["arn:aws:iam::*:role/deployment"]
  operator_role_arns   = ["arn:aws:iam::*:role/security-operator"]
  issuer_role_arns     = ["arn:aws:iam::*:role/issuer"]
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Linkward"
  }

  expect_failures = [var.name]
}

run "no_target" {
  command = plan

  variables {
    target_ids = []
  }

  expect_failures = [var.target_ids]
}

run "target_by_name" {
  command = plan

  variables {
    target_ids = ["production"]
  }

  expect_failures = [var.target_ids]
}

run "nobody_deploys" {
  command = plan

  variables {
    deployment_role_arns = []
  }

  expect_failures = [var.deployment_role_arns]
}

run "deployment_by_any_role" {
  command = plan

  variables {
    deployment_role_arns = ["arn:aws:iam::*:role/*"]
  }

  expect_failures = [var.deployment_role_arns]
}

run "deployment_by_a_user" {
  command = plan

  variables {
    deployment_role_arns = ["arn:aws:iam::123456789012:user/alice"]
  }

  expect_failures = [var.deployment_role_arns]
}

run "issued_by_any_role" {
  command = plan

  variables {
    issuer_role_arns = ["arn:aws:iam::*:role/issuer-*"]
  }

  expect_failures = [var.issuer_role_arns]
}

run "nobody_to_operate" {
  command = plan

  variables {
    operator_role_arns = []
  }

  expect_failures = [var.operator_role_arns]
}

run "any_role_as_operator" {
  command = plan

  variables {
    operator_role_arns = ["arn:aws:iam::123456789012:role/*"]
  }

  expect_failures = [var.operator_role_arns]
}

run "private_target_by_its_name" {
  command = plan

  variables {
    private_target_ids = ["workloads"]
  }

  expect_failures = [var.private_target_ids]
}
