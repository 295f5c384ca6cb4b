mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name               = "invoices"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = ["subnet-0aaa", "subnet-0bbb"]
  access_policy_path = "../../tests/fixtures/access.yaml"
}

run "the_load_balancer_is_private_and_passes_tls_through" {
  assert {
    condition     = aws_lb.this.internal && aws_lb.this.load_balancer_type == "network"
    error_message = "the load balancer must be an internal network load balancer"
  }

  assert {
    condition     = aws_lb.this.security_groups == toset([aws_security_group.load_balancer.id])
    error_message = "a load balancer without a security group at creation never gets one"
  }

  assert {
    condition     = aws_lb.this.enforce_security_group_inbound_rules_on_private_link_traffic == "off"
    error_message = "with enforcement on, the empty security group would shut every consumer out"
  }

  assert {
    condition     = aws_lb.this.enable_cross_zone_load_balancing && aws_lb.this.enable_deletion_protection
    error_message = "cross-zone and deletion protection must be on"
  }

  assert {
    condition     = aws_lb_listener.tls_passthrough.protocol == "TCP" && aws_lb_listener.tls_passthrough.port == 443
    error_message = "only a TCP listener lets the client's certificate reach the runtime"
  }

  assert {
    condition     = aws_lb_listener.tls_passthrough.default_action[0].target_group_arn == aws_lb_target_group.runtime.arn
    error_message = "the listener must lead to the runtime"
  }
}

run "targets_learn_the_endpoint_and_are_checked_over_http" {
  assert {
    condition = (
      aws_lb_target_group.runtime.protocol == "TCP" && aws_lb_target_group.runtime.port == 8443 &&
      aws_lb_target_group.runtime.proxy_protocol_v2 && aws_lb_target_group.runtime.preserve_client_ip == "false"
    )
    error_message = "targets need TCP on 8443 with PROXY v2"
  }

  assert {
    condition = (
      aws_lb_target_group.runtime.health_check[0].protocol == "HTTP" && aws_lb_target_group.runtime.health_check[0].port == "8080" &&
      aws_lb_target_group.runtime.health_check[0].path == "/health"
    )
    error_message = "health is asked over HTTP on the health port"
  }

  assert {
    condition = (
      !one(aws_lb_target_group.runtime.target_health_state).enable_unhealthy_connection_termination &&
      tonumber(aws_lb_target_group.runtime.deregistration_delay) > 25
    )
    error_message = "a draining runtime must be left to finish its connections"
  }
}

run "only_consumers_of_the_policy_may_ask_and_nobody_is_accepted_unseen" {
  assert {
    condition     = aws_vpc_endpoint_service.this.acceptance_required
    error_message = "acceptance must be required"
  }

  assert {
    condition     = aws_vpc_endpoint_service.this.network_load_balancer_arns == toset([aws_lb.this.arn])
    error_message = "the service must stand in front of the load balancer"
  }

  # Two accounts, one of them with a leading zero; the active account of the unit; neither the suspended one nor the expired grant.
  assert {
    condition = toset([for principal in aws_vpc_endpoint_service_allowed_principal.consumer : principal.principal_arn]) == toset([
      "arn:aws:iam::111122223333:root", "arn:aws:iam::012345678901:root", "arn:aws:iam::444455556666:root",
    ])
    error_message = "the allowed principals must be exactly the valid consumers of the access policy"
  }

  assert {
    condition     = output.consumer_account_ids == toset(["111122223333", "012345678901", "444455556666"])
    error_message = "the output must name the same accounts"
  }
}

run "a_policy_without_consumers_lets_nobody_ask" {
  variables {
    access_policy_path = "../../tests/fixtures/access-nobody.json"
  }

  assert {
    condition     = length(aws_vpc_endpoint_service_allowed_principal.consumer) == 0
    error_message = "no consumer, no principal"
  }
}

run "the_topic_takes_notifications_of_this_service_alone" {
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_sns_topic_policy.connections.policy).Statement :
      statement.Principal.Service == "vpce.amazonaws.com" && statement.Action == "sns:Publish" &&
      statement.Condition.ArnEquals["aws:SourceArn"] == aws_vpc_endpoint_service.this.arn &&
      statement.Condition.StringEquals["aws:SourceAccount"] == "000000000000"
      if statement.Effect == "Allow"
    ])
    error_message = "the topic policy must name our service and our account"
  }

  assert {
    condition     = length([for statement in jsondecode(aws_sns_topic_policy.connections.policy).Statement : statement if statement.Effect == "Allow"]) == 1
    error_message = "nobody else may publish"
  }

  assert {
    condition     = aws_vpc_endpoint_connection_notification.this.connection_events == toset(["Accept", "Connect", "Delete", "Reject"])
    error_message = "all four events must be notified"
  }
}

run "the_topic_is_encrypted_with_a_key_that_private_link_may_use" {
  assert {
    condition     = aws_sns_topic.connections.kms_master_key_id == aws_kms_key.connections.arn && aws_kms_key.connections.enable_key_rotation
    error_message = "the topic needs its own rotated key"
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_kms_key_policy.connections.policy).Statement :
      try(statement.Principal.Service, "") == "vpce.amazonaws.com" && toset(flatten([statement.Action])) == toset(["kms:Decrypt", "kms:GenerateDataKey*"])
    ])
    error_message = "without the grant every notification to the encrypted topic is lost"
  }
}

run "a_private_name_is_verified_in_the_public_dns" {
  variables {
    private_dns = { name = "invoices.example.com", public_zone_id = "Z0123456789" }
  }

  assert {
    condition     = aws_vpc_endpoint_service.this.private_dns_name == "invoices.example.com"
    error_message = "the service must carry its name"
  }

  assert {
    condition     = aws_route53_record.verification[0].type == "TXT" && aws_route53_record.verification[0].zone_id == "Z0123456789"
    error_message = "the proof belongs into the public zone"
  }
}

run "without_a_private_name_nothing_is_verified" {
  assert {
    condition     = length(aws_route53_record.verification) == 0 && length(aws_vpc_endpoint_service_private_dns_verification.this) == 0
    error_message = "no name, no record"
  }
}
