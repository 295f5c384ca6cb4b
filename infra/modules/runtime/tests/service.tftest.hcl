mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name       = "invoices"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0aaa", "subnet-0bbb"]
  image      = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  load_balancer = {
    security_group_id  = "sg-0fff"
    target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
    arn_suffix         = "net/invoices/0123456789abcdef"
    availability_zones = ["eu-west-1a", "eu-west-1b"]
    cidr_blocks        = ["10.0.1.0/24", "10.0.2.0/24"]
    tls_port           = 8443
    health_port        = 8080
  }
  tables = {
    access-policy      = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-access-policy"
    deny-list          = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list"
    endpoint-inventory = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory"
    kms_key            = "arn:aws:kms:eu-west-1:000000000000:key/0aaa"
  }
  configuration = yamldecode(<<-YAML
    tls: { minVersion: "1.3", maxClientCertificateLifetime: 30d }
    identity: { trustDomain: internal.example }
    policy: { mode: audit }
    denyList: { refresh: 2s }
  YAML
  )
  files = {
    image = "public.ecr.aws/docker/library/busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    secrets = {
      "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-server-abcdef:certificate::"
      "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-server-abcdef:privateKey::"
      "ca.crt"     = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:trust-anchors-abcdef"
    }
  }
  api = {
    image       = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/invoices@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    port        = 9000
    environment = { LOG_LEVEL = "info" }
    secrets     = { DATABASE_URL = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:invoices-database-abcdef" }
  }
}

run "the_configuration_is_what_was_written_and_what_the_infrastructure_makes_true" {
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment[0].name == "LINKWARD_CONFIG"
    error_message = "the runtime reads its configuration from LINKWARD_CONFIG"
  }

  assert {
    condition = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment[0].value) == {
      listen        = "0.0.0.0:8443"
      healthListen  = "0.0.0.0:8080"
      adminListen   = "127.0.0.1:8081"
      proxyProtocol = { mode = "required", from = ["10.0.1.0/24", "10.0.2.0/24"] }
      tls = {
        certificateChain             = "/run/linkward/server.crt"
        privateKey                   = "/run/linkward/server.key"
        clientTrustAnchors           = "/run/linkward/ca.crt"
        minVersion                   = "1.3"
        maxClientCertificateLifetime = "30d"
      }
      identity  = { trustDomain = "internal.example" }
      policy    = { source = "dynamodb:arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-access-policy", mode = "audit" }
      denyList  = { source = "dynamodb:arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list", refresh = "2s" }
      endpoints = { source = "dynamodb:arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory" }
      telemetry = { serviceName = "invoices", emf = "stdout" }
      upstream  = "http://127.0.0.1:9000"
    }
    error_message = "the runtime would be told something else"
  }
}

run "containers_have_no_privileges" {
  assert {
    condition = alltrue([
      for container in jsondecode(aws_ecs_task_definition.this.container_definitions) :
      container.readonlyRootFilesystem && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"] && length(container.linuxParameters.capabilities.add) == 0
    ])
    error_message = "read-only root, no privileges, no capabilities, for every container"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65532:65532"
    error_message = "the runtime is nobody"
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : can(regex("@sha256:", container.image))])
    error_message = "images are named by digest"
  }

  assert {
    condition     = !aws_ecs_service.this.enable_execute_command
    error_message = "nobody gets a shell in a task"
  }
}

run "files_are_written_before_the_runtime_starts_and_only_it_reads_them" {
  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn, { containerName = "files", condition = "SUCCESS" }) && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints[0].readOnly
    error_message = "the runtime waits for its files and cannot change them"
  }

  assert {
    condition = one([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.command[0] if container.name == "files"]) == join("\n", [
      "set -eu", "umask 022",
      "printf '%s\\n' \"$${FILE_CA_CRT}\" > /run/linkward/ca.crt",
      "printf '%s\\n' \"$${FILE_SERVER_CRT}\" > /run/linkward/server.crt",
      "printf '%s\\n' \"$${FILE_SERVER_KEY}\" > /run/linkward/server.key",
    ])
    error_message = "each secret becomes its file, by its variable"
  }

  assert {
    condition     = toset([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.name if can(container.mountPoints[0])]) == toset(["runtime", "files"])
    error_message = "the API must not see the runtime's key"
  }

  assert {
    condition = toset([for secret in one([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.secrets if container.name == "files"]) : secret.name]) == toset([
      "FILE_CA_CRT", "FILE_SERVER_CRT", "FILE_SERVER_KEY",
    ])
    error_message = "the variables of the command must be those that ECS fills"
  }
}

run "a_task_has_time_to_drain" {
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout > 25 && one([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.stopTimeout if container.name == "api"]) > jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout
    error_message = "the runtime needs longer than its drain, and the API longer than the runtime"
  }

  assert {
    condition = (
      aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_circuit_breaker[0].enable &&
      aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    )
    error_message = "a deployment must not take away what serves, and must be undone when it fails"
  }
}

run "tasks_are_reached_from_the_load_balancer_only" {
  assert {
    condition = (
      toset([for rule in aws_vpc_security_group_ingress_rule.from_load_balancer : rule.referenced_security_group_id]) == toset(["sg-0fff"]) &&
      toset([for rule in aws_vpc_security_group_ingress_rule.from_load_balancer : rule.from_port]) == toset([8443, 8080]) &&
      alltrue([for rule in aws_vpc_security_group_ingress_rule.from_load_balancer : rule.from_port == rule.to_port])
    )
    error_message = "the two ports, and from the load balancer's security group"
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_egress_rule.load_balancer_to_tasks :
      rule.security_group_id == "sg-0fff" && rule.referenced_security_group_id == aws_security_group.tasks.id
    ])
    error_message = "the load balancer must be let out to the tasks, and to nothing else"
  }

  assert {
    condition = (
      !aws_ecs_service.this.network_configuration[0].assign_public_ip &&
      aws_ecs_service.this.network_configuration[0].security_groups == toset([aws_security_group.tasks.id])
    )
    error_message = "no public address, and our security group"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks_to_aws.from_port == 443 && aws_vpc_security_group_egress_rule.tasks_to_aws.to_port == 443
    error_message = "tasks speak HTTPS outwards and nothing else"
  }
}

run "the_service_is_the_target" {
  assert {
    condition = (
      one(aws_ecs_service.this.load_balancer).target_group_arn == var.load_balancer.target_group_arn &&
      one(aws_ecs_service.this.load_balancer).container_name == "runtime" && one(aws_ecs_service.this.load_balancer).container_port == 8443
    )
    error_message = "traffic goes to the runtime, never to the API"
  }

  assert {
    condition     = !anytrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : can(container.portMappings[0]) if container.name != "runtime"])
    error_message = "only the runtime has ports"
  }
}

run "it_scales_on_cpu_and_on_connections" {
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 10
    error_message = "two to ten tasks by default"
  }

  assert {
    condition     = aws_appautoscaling_policy.cpu.target_tracking_scaling_policy_configuration[0].target_value == 60
    error_message = "CPU must be tracked"
  }

  assert {
    condition = one([
      for metric in aws_appautoscaling_policy.connections.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : metric.expression
      if metric.return_data
    ]) == "(FILL(zone0, 0) + FILL(zone1, 0)) / tasks"
    error_message = "flows of all zones by running tasks"
  }

  assert {
    condition = toset(flatten([
      for metric in aws_appautoscaling_policy.connections.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : [
        for stat in metric.metric_stat : [for dimension in stat.metric[0].dimensions : dimension.value if dimension.name == "AvailabilityZone"]
      ]
    ])) == toset(["eu-west-1a", "eu-west-1b"])
    error_message = "every zone's flows must be counted"
  }
}

run "the_collector_is_beside_the_runtime_which_serves_without_it" {
  command = plan

  variables {
    collector = {
      image       = "public.ecr.aws/aws-observability/aws-otel-collector@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
      environment = { AOT_CONFIG_CONTENT = "receivers: {}" }
    }
  }

  assert {
    condition     = yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment[0].value).telemetry == { serviceName = "invoices", emf = "stdout", otlpEndpoint = "http://127.0.0.1:4318" }
    error_message = "the runtime is told where its collector listens"
  }

  assert {
    condition = one([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) :
      !container.essential && container.readonlyRootFilesystem && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"]
      && container.environment == [{ name = "AOT_CONFIG_CONTENT", value = "receivers: {}" }]
      if container.name == "collector"
    ])
    error_message = "a collector has no privileges, and no task ends with it"
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn, { containerName = "collector", condition = "START" })
    error_message = "the runtime ends before its collector"
  }
}

run "without_a_collector_there_is_none" {
  command = plan

  assert {
    condition     = !contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[*].name, "collector") && !contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn[*].containerName, "collector")
    error_message = "nobody waits for a collector that is not there"
  }
}
