mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  api_name                  = "invoices.internal.example"
  service_name              = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
  provider_event_bus_arn    = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0aaa", "subnet-0bbb"]
  client_cidr_blocks        = ["10.1.0.0/16"]
  client_security_group_ids = { orders = "sg-0fff" }
}

run "the_endpoint_waits_for_the_provider_to_accept" {
  assert {
    condition     = aws_vpc_endpoint.this.vpc_endpoint_type == "Interface" && aws_vpc_endpoint.this.service_name == var.service_name
    error_message = "an interface endpoint of the service is asked for"
  }

  assert {
    condition     = aws_vpc_endpoint.this.auto_accept == null
    error_message = "a consumer must not accept in the provider's name"
  }
}

run "only_the_named_callers_reach_it_and_on_one_port" {
  assert {
    condition     = aws_vpc_endpoint.this.security_group_ids == toset([aws_security_group.endpoint.id])
    error_message = "the endpoint must carry its own security group, not the VPC's default one"
  }

  assert {
    condition = alltrue([
      for rule in concat(values(aws_vpc_security_group_ingress_rule.network), values(aws_vpc_security_group_ingress_rule.client)) :
      rule.ip_protocol == "tcp" && rule.from_port == 443 && rule.to_port == 443
    ])
    error_message = "nothing but 443 may be open"
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.network : rule.cidr_ipv4] == ["10.1.0.0/16"]
    error_message = "the network must be admitted"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["orders"].referenced_security_group_id == "sg-0fff"
    error_message = "the security group must be admitted"
  }
}

run "the_name_resolves_to_the_endpoint_in_this_vpc_alone" {
  assert {
    condition     = aws_route53_zone.api.name == "invoices.internal.example" && one(aws_route53_zone.api.vpc).vpc_id == var.vpc_id
    error_message = "the zone must be private and cover this one name"
  }

  assert {
    condition     = one(aws_route53_record.api.alias).name == aws_vpc_endpoint.this.dns_entry[0].dns_name
    error_message = "the name must lead to the endpoint"
  }
}

run "the_provider_hears_of_this_request_and_of_no_other" {
  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.endpoint_requested.event_pattern).detail.eventName == ["CreateVpcEndpoint"] &&
      jsondecode(aws_cloudwatch_event_rule.endpoint_requested.event_pattern).detail.requestParameters.CreateVpcEndpointRequest.ServiceName == [var.service_name]
    )
    error_message = "the pattern of events/create-vpc-endpoint must be narrowed to this service"
  }

  assert {
    condition     = aws_cloudwatch_event_target.provider_bus.arn == var.provider_event_bus_arn
    error_message = "the event must go to the provider's bus"
  }

  assert {
    condition     = data.aws_iam_policy_document.forward.statement[0].actions == toset(["events:PutEvents"]) && data.aws_iam_policy_document.forward.statement[0].resources == toset([var.provider_event_bus_arn])
    error_message = "the role may put events on that bus and nothing else"
  }

  assert {
    condition     = jsondecode(aws_iam_role.forward.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "000000000000"
    error_message = "only rules of this account may use the role"
  }
}

run "the_provider_is_told_what_to_list" {
  assert {
    condition     = yamldecode(output.for_the_provider).account == "000000000000" && yamldecode(output.for_the_provider).services == ["vpce-svc-0123456789abcdef0"]
    error_message = "the entry must name this account and the service"
  }
}
