# Every validation refuses what it is for.

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

run "name_with_capitals" {
  command = plan

  variables {
    name = "Invoices"
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

run "image_by_tag" {
  command = plan

  variables {
    image = "api-runtime:latest"
  }

  expect_failures = [var.image]
}

run "configuration_as_text" {
  command = plan

  variables {
    configuration = "tls: ["
  }

  expect_failures = [var.configuration]
}

run "configuration_without_tls" {
  command = plan

  variables {
    configuration = yamldecode("identity: {trustDomain: internal.example}")
  }

  expect_failures = [var.configuration]
}

run "configuration_without_a_trust_domain" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {}}")
  }

  expect_failures = [var.configuration]
}

run "configuration_that_opens_the_admin_port" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {trustDomain: internal.example}, adminListen: 0.0.0.0:8081}")
  }

  expect_failures = [var.configuration]
}

run "configuration_without_proxy_protocol" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {trustDomain: internal.example}, proxyProtocol: off}")
  }

  expect_failures = [var.configuration]
}

run "configuration_with_another_upstream" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {trustDomain: internal.example}, upstream: http://10.0.0.1}")
  }

  expect_failures = [var.configuration]
}

run "configuration_with_another_deny_list" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {trustDomain: internal.example}, denyList: {source: \"file:deny.yaml\"}}")
  }

  expect_failures = [var.configuration]
}

run "configuration_with_another_inventory" {
  command = plan

  variables {
    configuration = yamldecode("{tls: {}, identity: {trustDomain: internal.example}, endpoints: {source: \"file:x.yaml\"}}")
  }

  expect_failures = [var.configuration]
}

run "configuration_that_writes_a_cache" {
  command = plan

  variables {
    configuration = { tls = {}, identity = { trustDomain = "internal.example" }, policy = { bundle = { cacheDirectory = "/var/cache" } } }
  }

  expect_failures = [var.configuration]
}

run "file_outside_its_folder" {
  command = plan

  variables {
    files = { image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", secrets = { "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "ca.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "../passwd" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x" } }
  }

  expect_failures = [var.files]
}

run "file_that_would_run_a_command" {
  command = plan

  variables {
    files = { image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", secrets = { "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "ca.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "x; reboot" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x" } }
  }

  expect_failures = [var.files]
}

run "file_from_a_secret_by_name" {
  command = plan

  variables {
    files = { image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", secrets = { "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "ca.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "x.crt" = "invoices-server" } }
  }

  expect_failures = [var.files]
}

run "files_by_an_image_with_a_tag" {
  command = plan

  variables {
    files = { image = "busybox:latest", secrets = { "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "ca.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x" } }
  }

  expect_failures = [var.files]
}

run "files_without_a_trust_anchor" {
  command = plan

  variables {
    files = { image = "busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", secrets = { "server.crt" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x", "server.key" = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x" } }
  }

  expect_failures = [var.files]
}

run "no_files_at_all" {
  command = plan

  variables {
    files = null
  }

  expect_failures = [var.files]
}

run "api_by_tag" {
  command = plan

  variables {
    api = { image = "invoices:latest", port = 9000 }
  }

  expect_failures = [var.api]
}

run "api_on_a_port_of_the_runtime" {
  command = plan

  variables {
    api = { image = "api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", port = 8443 }
  }

  expect_failures = [var.api]
}

run "api_on_a_privileged_port" {
  command = plan

  variables {
    api = { image = "api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", port = 80 }
  }

  expect_failures = [var.api]
}

run "api_on_no_port" {
  command = plan

  variables {
    api = { image = "api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", port = 70000 }
  }

  expect_failures = [var.api]
}

run "a_single_task" {
  command = plan

  variables {
    scaling = { min = 1 }
  }

  expect_failures = [var.scaling]
}

run "fewer_at_most_than_at_least" {
  command = plan

  variables {
    scaling = { min = 4, max = 3 }
  }

  expect_failures = [var.scaling]
}

run "cpu_until_it_stands_still" {
  command = plan

  variables {
    scaling = { cpu_percent = 100 }
  }

  expect_failures = [var.scaling]
}

run "cpu_hardly_used" {
  command = plan

  variables {
    scaling = { cpu_percent = 5 }
  }

  expect_failures = [var.scaling]
}

run "connections_beyond_the_limit_of_the_runtime" {
  command = plan

  variables {
    scaling = { connections_per_task = 10000 }
  }

  expect_failures = [var.scaling]
}

run "connections_hardly_any" {
  command = plan

  variables {
    scaling = { connections_per_task = 10 }
  }

  expect_failures = [var.scaling]
}

run "cpu_that_fargate_has_not" {
  command = plan

  variables {
    size = { cpu = 300, memory = 1024 }
  }

  expect_failures = [var.size]
}

run "memory_that_fargate_has_not" {
  command = plan

  variables {
    size = { cpu = 512, memory = 512 }
  }

  expect_failures = [var.size]
}

run "architecture_of_a_pi" {
  command = plan

  variables {
    size = { architecture = "ARMV7" }
  }

  expect_failures = [var.size]
}

run "key_by_alias" {
  command = plan

  variables {
    secret_kms_key_arns = ["alias/secrets"]
  }

  expect_failures = [var.secret_kms_key_arns]
}

run "proxy_header_from_everybody" {
  command = plan

  variables {
    load_balancer = {
      security_group_id  = "sg-0fff"
      target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
      arn_suffix         = "net/invoices/0123456789abcdef"
      availability_zones = ["eu-west-1a", "eu-west-1b"]
      cidr_blocks        = ["0.0.0.0/0"]
      tls_port           = 8443
      health_port        = 8080
    }
  }

  expect_failures = [var.load_balancer]
}

run "proxy_header_from_nobody" {
  command = plan

  variables {
    load_balancer = {
      security_group_id  = "sg-0fff"
      target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
      arn_suffix         = "net/invoices/0123456789abcdef"
      availability_zones = ["eu-west-1a", "eu-west-1b"]
      cidr_blocks        = []
      tls_port           = 8443
      health_port        = 8080
    }
  }

  expect_failures = [var.load_balancer]
}

run "health_on_the_callers_port" {
  command = plan

  variables {
    load_balancer = {
      security_group_id  = "sg-0fff"
      target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
      arn_suffix         = "net/invoices/0123456789abcdef"
      availability_zones = ["eu-west-1a", "eu-west-1b"]
      cidr_blocks        = ["10.0.1.0/24"]
      tls_port           = 8443
      health_port        = 8443
    }
  }

  expect_failures = [var.load_balancer]
}

run "callers_on_the_admin_port" {
  command = plan

  variables {
    load_balancer = {
      security_group_id  = "sg-0fff"
      target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
      arn_suffix         = "net/invoices/0123456789abcdef"
      availability_zones = ["eu-west-1a", "eu-west-1b"]
      cidr_blocks        = ["10.0.1.0/24"]
      tls_port           = 8081
      health_port        = 8080
    }
  }

  expect_failures = [var.load_balancer]
}

run "table_by_its_name" {
  command = plan

  variables {
    tables = {
      access-policy      = "linkward-access-policy"
      deny-list          = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list"
      endpoint-inventory = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory"
      kms_key            = "arn:aws:kms:eu-west-1:000000000000:key/0aaa"
    }
  }

  expect_failures = [var.tables]
}

run "key_by_its_alias" {
  command = plan

  variables {
    tables = {
      access-policy      = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-access-policy"
      deny-list          = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list"
      endpoint-inventory = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory"
      kms_key            = "alias/linkward"
    }
  }

  expect_failures = [var.tables]
}

run "collector_named_in_the_configuration" {
  command = plan

  variables {
    configuration = { tls = {}, identity = { trustDomain = "internal.example" }, telemetry = { otlpEndpoint = "http://collector.internal.example:4318" } }
  }

  expect_failures = [var.configuration]
}

run "collector_by_tag" {
  command = plan

  variables {
    collector = { image = "otel/opentelemetry-collector:latest" }
  }

  expect_failures = [var.collector]
}
