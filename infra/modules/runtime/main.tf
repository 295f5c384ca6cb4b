# The inner gate as a Fargate service: the runtime, beside it the API, which stays plain HTTP on loopback.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  log_retention_days = 365

  # Nobody: the user of the runtime's image.
  user       = "65532:65532"
  files_path = "/run/linkward"

  logs = {
    for container in ["runtime", "api", "collector", "files"] : container => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = local.region
        awslogs-stream-prefix = container

        # A full buffer loses lines rather than hold up requests; the runtime counts its own.
        mode            = "non-blocking"
        max-buffer-size = "4m"
      }
    }
  }

  unprivileged = {
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters        = { capabilities = { add = [], drop = ["ALL"] } }
  }

  containers = concat(
    [merge(local.unprivileged, {
      name         = "runtime"
      image        = var.image
      essential    = true
      user         = local.user
      environment  = [{ name = "LINKWARD_CONFIG", value = yamlencode(local.configuration) }, { name = "AWS_REGION", value = local.region }]
      portMappings = [for port in [var.load_balancer.tls_port, var.load_balancer.health_port] : { containerPort = port, hostPort = port, protocol = "tcp" }]
      mountPoints  = [{ sourceVolume = "files", containerPath = local.files_path, readOnly = true }]
      dependsOn = concat(
        local.has_files ? [{ containerName = "files", condition = "SUCCESS" }] : [],
        local.has_api ? [{ containerName = "api", condition = "START" }] : [],
        # And stops before it, with its last spans sent.
        [for collector in local.collectors : { containerName = "collector", condition = "START" }],
      )
      logConfiguration = local.logs["runtime"]

      # A socket to the caller and one to the API, each.
      ulimits = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]

      # Longer than the drain (20 s by default) and the 5 s to finish: what SIGKILL cuts was not drained.
      stopTimeout = 90
    })],
    [for api in local.apis : merge(local.unprivileged, {
      name             = "api"
      image            = api.image
      essential        = true
      environment      = [for name, value in api.environment : { name = name, value = value }]
      secrets          = [for name, arn in api.secrets : { name = name, valueFrom = arn }]
      logConfiguration = local.logs["api"]

      # It outlives the runtime, which finishes requests on it.
      stopTimeout = 120
    })],
    [for collector in local.collectors : merge(local.unprivileged, {
      name             = "collector"
      image            = collector.image
      command          = collector.command
      environment      = [for name, value in collector.environment : { name = name, value = value }]
      logConfiguration = local.logs["collector"]

      # Requests are served on when it ends.
      essential   = false
      stopTimeout = 120
    })],
    # Writes the secrets as files before the runtime starts, and ends. As root of an empty volume, which is root's.
    [for files in local.files : merge(local.unprivileged, {
      name             = "files"
      image            = files.image
      essential        = false
      user             = "0"
      entryPoint       = ["sh", "-c"]
      command          = [join("\n", concat(["set -eu", "umask 022"], [for name in keys(files.secrets) : "printf '%s\\n' \"$${${local.file_variables[name]}}\" > ${local.files_path}/${name}"]))]
      secrets          = [for name, arn in files.secrets : { name = local.file_variables[name], valueFrom = arn }]
      mountPoints      = [{ sourceVolume = "files", containerPath = local.files_path, readOnly = false }]
      logConfiguration = local.logs["files"]
    })],
  )

  # As lists, so that a container is there or is not.
  has_api        = var.api != null
  has_files      = var.files != null
  apis           = local.has_api ? [var.api] : []
  collectors     = var.collector == null ? [] : [var.collector]
  files          = local.has_files ? [var.files] : []
  file_variables = { for name in keys(try(var.files.secrets, {})) : name => "FILE_${upper(replace(name, "/[^a-z0-9]/", "_"))}" }
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  # Scaling on connections divides by the number of running tasks, which comes from here.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(local.containers)

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.size.architecture
  }

  volume {
    name = "files"
  }
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this.arn
  launch_type     = "FARGATE"
  desired_count   = var.scaling.min

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 60
  enable_execute_command             = false
  propagate_tags                     = "SERVICE"

  # A task that never becomes healthy ends the deployment, and the one before stays.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.load_balancer.target_group_arn
    container_name   = "runtime"
    container_port   = var.load_balancer.tls_port
  }

  lifecycle {
    # Scaling's business from now on.
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task, aws_vpc_security_group_egress_rule.load_balancer_to_tasks]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/linkward/${var.name}"
  retention_in_days = local.log_retention_days
  kms_key_id        = aws_kms_key.logs.arn
  depends_on        = [aws_kms_key_policy.logs]
}

resource "aws_kms_key" "logs" {
  description             = "Access logs of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}
