# A file of its own: the endpoint's state is what this run is about, and the runs of a file share their state.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "a_pending_endpoint_says_what_to_wait_for" {
  variables {
    api_name               = "invoices.internal.example"
    service_name           = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
    provider_event_bus_arn = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
    vpc_id                 = "vpc-0123456789abcdef0"
    subnet_ids             = ["subnet-0aaa"]
    client_cidr_blocks     = ["10.1.0.0/16"]
  }

  override_resource {
    target = aws_vpc_endpoint.this
    values = { id = "vpce-0a1b2c3d", dns_entry = [] }
  }

  expect_failures = [aws_route53_record.api]
}
