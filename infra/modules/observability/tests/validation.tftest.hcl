# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  functions = {
    endpoint-approver = {
      function_name     = "linkward-endpoint-approver"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver"
      dead_letter_queue = "linkward-endpoint-approver-dead-letters"
    }
    certificate-revoker = {
      function_name     = "linkward-certificate-revoker"
      role_arn          = "arn:aws:iam::000000000000:role/linkward/linkward-certificate-revoker"
      dead_letter_queue = "linkward-certificate-revoker-dead-letters"
    }
  }
  services = {
    invoices = {
      load_balancer_arn_suffix = "net/invoices/0123456789abcdef"
      target_group_arn_suffix  = "targetgroup/invoi-1/0123456789abcdef"
      log_group                = "/linkward/invoices"
    }
  }
  deployment_role_arns = ["arn:aws:iam::000000000000:role/deployment"]
  email_addresses      = ["oncall@example.com"]
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Linkward"
  }

  expect_failures = [var.name]
}

run "functions_without_the_approver" {
  command = plan

  variables {
    functions = {
      certificate-revoker = { function_name = "x", role_arn = "x", dead_letter_queue = "x" }
    }
  }

  expect_failures = [var.functions]
}

run "service_by_whole_arns" {
  command = plan

  variables {
    services = { invoices = { load_balancer_arn_suffix = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/net/x/0", target_group_arn_suffix = "targetgroup/x/0", log_group = "x" } }
  }

  expect_failures = [var.services]
}

run "target_group_and_load_balancer_exchanged" {
  command = plan

  variables {
    services = { invoices = { load_balancer_arn_suffix = "net/x/0", target_group_arn_suffix = "net/x/0", log_group = "x" } }
  }

  expect_failures = [var.services]
}

run "endpoint_service_by_its_name" {
  command = plan

  variables {
    services = { invoices = { load_balancer_arn_suffix = "net/x/0", target_group_arn_suffix = "targetgroup/x/0", log_group = "x", endpoint_service = { id = "com.amazonaws.vpce.eu-west-1.vpce-svc-0" } } }
  }

  expect_failures = [var.services]
}

run "threshold_that_always_rings" {
  command = plan

  variables {
    services = { invoices = { load_balancer_arn_suffix = "net/x/0", target_group_arn_suffix = "targetgroup/x/0", log_group = "x", thresholds = { p95_seconds = 0 } } }
  }

  expect_failures = [var.services]
}

run "nobody_deploys" {
  command = plan

  variables {
    deployment_role_arns = []
  }

  expect_failures = [var.deployment_role_arns]
}

run "deployment_by_a_wildcard" {
  command = plan

  variables {
    deployment_role_arns = ["arn:aws:iam::*:role/deployment"]
  }

  expect_failures = [var.deployment_role_arns]
}

run "mail_to_nobody" {
  command = plan

  variables {
    email_addresses = ["oncall"]
  }

  expect_failures = [var.email_addresses]
}
