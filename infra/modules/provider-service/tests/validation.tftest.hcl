# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name               = "invoices"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = ["subnet-0aaa", "subnet-0bbb"]
  access_policy_path = "../../tests/fixtures/access.yaml"
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Invoices"
  }

  expect_failures = [var.name]
}

run "name_of_33_characters" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrstuvwxyz0123456"
  }

  expect_failures = [var.name]
}

run "name_that_aws_reserves" {
  command = plan

  variables {
    name = "internal-api"
  }

  expect_failures = [var.name]
}

run "vpc_id_of_something_else" {
  command = plan

  variables {
    vpc_id = "subnet-0aaa"
  }

  expect_failures = [var.vpc_id]
}

run "a_single_subnet" {
  command = plan

  variables {
    subnet_ids = ["subnet-0aaa"]
  }

  expect_failures = [var.subnet_ids]
}

run "the_same_subnet_twice" {
  command = plan

  variables {
    subnet_ids = ["subnet-0aaa", "subnet-0aaa"]
  }

  expect_failures = [var.subnet_ids]
}

run "subnets_that_are_none" {
  command = plan

  variables {
    subnet_ids = ["10.0.1.0/24", "10.0.2.0/24"]
  }

  expect_failures = [var.subnet_ids]
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

run "policy_with_an_unquoted_account" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-account-unquoted.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_with_a_short_account" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-account-short.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_with_account_and_unit_in_one_consumer" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-both.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_with_a_consumer_that_is_nobody" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-neither.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_with_a_malformed_unit" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-unit-malformed.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "policy_with_a_malformed_time" {
  command = plan

  variables {
    access_policy_path = "../../tests/fixtures/access-time-malformed.yaml"
  }

  expect_failures = [var.access_policy_path]
}

run "private_name_that_is_no_domain" {
  command = plan

  variables {
    private_dns = { name = "invoices", public_zone_id = "Z0123456789" }
  }

  expect_failures = [var.private_dns]
}
