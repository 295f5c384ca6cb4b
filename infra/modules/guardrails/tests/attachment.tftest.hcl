mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  target_ids           = ["ou-ab12-abcdefgh", "123456789012"]
  deployment_role_arns = ["arn:aws:iam::*:role/deployment"]
  issuer_role_arns     = ["arn:aws:iam::*:role/issuer"]
}

run "every_policy_binds_every_target" {
  assert {
    condition     = length(aws_organizations_policy_attachment.this) == length(aws_organizations_policy.this) * 2
    error_message = "a target without a policy is a hole"
  }

  assert {
    condition     = alltrue([for policy in aws_organizations_policy.this : policy.type == "SERVICE_CONTROL_POLICY"])
    error_message = "the policies are SCPs"
  }
}

run "policies_only_deny_and_fit_into_an_scp" {
  assert {
    condition = alltrue(flatten([
      for policy in aws_organizations_policy.this : [for statement in jsondecode(policy.content).Statement : statement.Effect == "Deny"]
    ]))
    error_message = "an SCP that allows would replace the organization's own allow list"
  }

  assert {
    condition     = alltrue([for policy in aws_organizations_policy.this : length(policy.content) <= 5120])
    error_message = "an SCP has at most 5,120 characters"
  }
}

run "too_many_roles_are_refused_before_aws_does" {
  command = plan

  variables {
    deployment_role_arns = [for number in range(40) : "arn:aws:iam::*:role/deployment-of-the-team-number-${number}"]
  }

  expect_failures = [aws_organizations_policy.this]
}
