# Every validation refuses what it is for.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  common_name  = "Internal APIs"
  organization = "Example"
}

run "name_too_long_for_a_bucket" {
  command = plan

  variables {
    name = "abcdefghijklmnopqrstuvwxy"
  }

  expect_failures = [var.name]
}

run "common_name_of_blanks" {
  command = plan

  variables {
    common_name = "  "
  }

  expect_failures = [var.common_name]
}

run "common_name_beyond_rfc_5280" {
  command = plan

  variables {
    common_name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  }

  expect_failures = [var.common_name]
}

run "organization_of_blanks" {
  command = plan

  variables {
    organization = " "
  }

  expect_failures = [var.organization]
}

run "organization_beyond_rfc_5280" {
  command = plan

  variables {
    organization = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  }

  expect_failures = [var.organization]
}

run "parent_that_is_a_certificate" {
  command = plan

  variables {
    parent = { certificate_authority_arn = "arn:aws:acm:eu-west-1:000000000000:certificate/0aaa" }
  }

  expect_failures = [var.parent]
}

run "parent_that_signs_with_sha1" {
  command = plan

  variables {
    parent = { certificate_authority_arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", signing_algorithm = "SHA1WITHRSA" }
  }

  expect_failures = [var.parent]
}

run "authority_for_ever" {
  command = plan

  variables {
    validity_years = 11
  }

  expect_failures = [var.validity_years]
}

run "authority_for_no_time" {
  command = plan

  variables {
    validity_years = 0
  }

  expect_failures = [var.validity_years]
}

run "authority_for_half_a_year" {
  command = plan

  variables {
    validity_years = 1.5
  }

  expect_failures = [var.validity_years]
}

run "crl_for_a_day" {
  command = plan

  variables {
    crl_days = 1
  }

  expect_failures = [var.crl_days]
}

run "crl_for_a_quarter" {
  command = plan

  variables {
    crl_days = 90
  }

  expect_failures = [var.crl_days]
}

run "crl_for_a_day_and_a_half" {
  command = plan

  variables {
    crl_days = 2.5
  }

  expect_failures = [var.crl_days]
}
