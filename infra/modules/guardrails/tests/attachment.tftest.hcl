mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  target_ids           = ["ou-ab12-abcdefgh", "123456789012"]
  deployment_role_arns = ["arn:aws:iam::*:role/deployment"]
  operator_role_arns   = ["arn:aws:iam::*:role/security-operator"]
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

run "nothing_is_cut_off_from_the_internet_unless_it_is_named" {
  command = plan

  assert {
    condition     = length(aws_organizations_policy.no_public_access) == 0 && length(aws_organizations_policy_attachment.no_public_access) == 0
    error_message = "public access ends where somebody said so"
  }
}

run "what_is_named_takes_nothing_from_the_internet" {
  variables {
    private_target_ids = ["ou-ab12-private01", "210987654321"]
  }

  assert {
    condition     = aws_organizations_policy.no_public_access[0].type == "DECLARATIVE_POLICY_EC2" && toset(keys(aws_organizations_policy_attachment.no_public_access)) == toset(["ou-ab12-private01", "210987654321"])
    error_message = "VPC Block Public Access is a declarative policy, bound to what was named"
  }

  assert {
    condition = jsondecode(aws_organizations_policy.no_public_access[0].content).ec2_attributes.vpc_block_public_access.internet_gateway_block == {
      mode = { "@@assign" = "block_ingress" }, exclusions_allowed = { "@@assign" = "disabled" }
    }
    error_message = "nothing comes in, and no account excepts itself"
  }
}
