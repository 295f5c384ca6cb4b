mock_provider "aws" {
  alias  = "provider"
  source = "../../tests/mocks"
}

mock_provider "aws" {
  alias  = "consumer"
  source = "../../tests/mocks"

  override_data {
    target = module.orders.data.aws_caller_identity.current
    values = { account_id = "111122223333" }
  }
}

variables {
  provider_role_arn = "arn:aws:iam::000000000000:role/deployment"
  consumer_role_arn = "arn:aws:iam::111122223333:role/deployment"
  provider_network  = { vpc_id = "vpc-0aaa", subnet_ids = ["subnet-0aaa", "subnet-0bbb"] }
  consumer_network  = { vpc_id = "vpc-0bbb", subnet_ids = ["subnet-0ccc"], client_cidr_blocks = ["10.1.0.0/16"] }
  runtime_image     = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  files = {
    image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    secrets = {
      "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:server:certificate::"
      "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:server:privateKey::"
      "ca.crt"     = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:trust-anchors"
    }
  }
  operator_role_arns = ["arn:aws:iam::000000000000:role/security-operator"]
  artifacts_path     = "../../tests/fixtures/lambda"
}

run "it_plans_from_nothing" {
  command = plan
}

run "the_two_accounts_fit_together" {
  # What the consumer would be told to give the provider is what the policy lists.
  assert {
    condition     = contains(module.invoices.consumer_account_ids, yamldecode(module.orders.for_the_provider).account)
    error_message = "the consumer's account must be in the access policy"
  }

  assert {
    condition     = yamldecode(module.orders.for_the_provider).services == [module.invoices.service_id]
    error_message = "the consumer must connect to the provider's service"
  }

  assert {
    condition = (
      module.policy_store.policy_source == "appconfig:abc1234/env1234/pro1234" && yamldecode(module.runtime.configuration).policy.source == module.policy_store.policy_source
    )
    error_message = "the runtime must read the policy that is deployed here"
  }

  assert {
    condition     = strcontains(module.control_plane.event_bus_policy, "arn:aws:iam::111122223333:root")
    error_message = "the consumer must be allowed to forward to the bus"
  }
}
