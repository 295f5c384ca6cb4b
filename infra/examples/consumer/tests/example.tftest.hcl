mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  service_name             = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
  provider_event_bus_arn   = "arn:aws:events:eu-west-1:111111111111:event-bus/linkward"
  vpc_id                   = "vpc-0123456789abcdef0"
  subnet_ids               = ["subnet-0aaa", "subnet-0bbb"]
  orders_security_group_id = "sg-0fff"
}

run "it_plans_from_nothing" {
  command = plan
}

run "it_says_where_the_api_is_and_what_the_provider_needs" {
  assert {
    condition     = output.url == "https://invoices.internal.example"
    error_message = "the caller needs the name that the server's certificate carries"
  }

  assert {
    condition     = yamldecode(output.for_the_provider).account == "000000000000"
    error_message = "the provider needs this account"
  }
}
