mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  vpc_id        = "vpc-0123456789abcdef0"
  subnet_ids    = ["subnet-0aaa", "subnet-0bbb"]
  organization  = "Example"
  runtime_image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  files = {
    image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    secrets = {
      "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:server:certificate::"
      "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:server:privateKey::"
      "ca.crt"     = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:trust-anchors"
    }
  }
  api                  = { image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/invoices@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", port = 9000 }
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  deployment_role_arns = ["arn:aws:iam::000000000000:role/deployment"]
  artifacts_path       = "../../tests/fixtures/lambda"
}

run "it_plans_from_nothing" {
  command = plan
}

run "its_parts_know_each_other" {
  assert {
    condition     = output.service_name == "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0" && output.service_id == "vpce-svc-0123456789abcdef0"
    error_message = "consumers need the service's name"
  }

  assert {
    condition     = module.invoices.consumer_account_ids == toset(["111122223333"])
    error_message = "the consumers are those of access.yaml"
  }

  assert {
    condition     = strcontains(module.control_plane.event_bus_policy, "arn:aws:iam::111122223333:root")
    error_message = "the consumers of the policy must be allowed to forward"
  }

  assert {
    condition     = contains(module.observability.alarm_names, "linkward-invoices-stale") && contains(module.observability.alarm_names, "linkward-certificate-revoker-errors")
    error_message = "functions and service must be watched"
  }
}
