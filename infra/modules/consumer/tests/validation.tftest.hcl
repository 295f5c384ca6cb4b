# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  api_name               = "invoices.internal.example"
  service_name           = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
  provider_event_bus_arn = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
  vpc_id                 = "vpc-0123456789abcdef0"
  subnet_ids             = ["subnet-0aaa"]
  client_cidr_blocks     = ["10.1.0.0/16"]
}

run "name_without_a_domain" {
  command = plan

  variables {
    api_name = "invoices"
  }

  expect_failures = [var.api_name]
}

run "name_with_capitals" {
  command = plan

  variables {
    api_name = "Invoices.internal.example"
  }

  expect_failures = [var.api_name]
}

run "service_of_aws" {
  command = plan

  variables {
    service_name = "com.amazonaws.eu-west-1.s3"
  }

  expect_failures = [var.service_name]
}

run "service_id_instead_of_its_name" {
  command = plan

  variables {
    service_name = "vpce-svc-0123456789abcdef0"
  }

  expect_failures = [var.service_name]
}

run "bus_by_name" {
  command = plan

  variables {
    provider_event_bus_arn = "linkward"
  }

  expect_failures = [var.provider_event_bus_arn]
}

run "default_bus" {
  command = plan

  variables {
    provider_event_bus_arn = "arn:aws:events:eu-west-1:000000000000:event-bus/default"
  }

  expect_failures = [var.provider_event_bus_arn]
}

run "vpc_id_of_something_else" {
  command = plan

  variables {
    vpc_id = "subnet-0aaa"
  }

  expect_failures = [var.vpc_id]
}

run "no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "subnets_that_are_none" {
  command = plan

  variables {
    subnet_ids = ["10.0.1.0/24"]
  }

  expect_failures = [var.subnet_ids]
}

run "callers_from_everywhere" {
  command = plan

  variables {
    client_cidr_blocks = ["0.0.0.0/0"]
  }

  expect_failures = [var.client_cidr_blocks]
}

run "callers_in_no_network" {
  command = plan

  variables {
    client_cidr_blocks = ["orders"]
  }

  expect_failures = [var.client_cidr_blocks]
}

run "no_callers_at_all" {
  command = plan

  variables {
    client_cidr_blocks = []
  }

  expect_failures = [var.client_cidr_blocks]
}

run "callers_in_no_security_group" {
  command = plan

  variables {
    client_security_group_ids = { orders = "orders" }
  }

  expect_failures = [var.client_security_group_ids]
}
