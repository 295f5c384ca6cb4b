# What starts the functions: rules from events/*/pattern.json, schedules, topics. Each hands what it cannot deliver to the function's dead letters.

locals {
  events   = toset(flatten([for function in local.functions : function.events]))
  patterns = { for event in local.events : event => jsondecode(file("${path.module}/../../../events/${event}/pattern.json")) }

  # Ours, and what consumers forward, come over our bus. What AWS's services tell this account comes over its default bus.
  forwarded = toset(["create-vpc-endpoint"])
  buses = {
    for event, pattern in local.patterns :
    event => alltrue([for source in pattern.source : startswith(source, "aws.")]) && !contains(local.forwarded, event) ? "default" : aws_cloudwatch_event_bus.this.name
  }

  subscriptions = merge([
    for name, function in local.functions : { for event in function.events : "${name}/${event}" => { function = name, event = event } }
  ]...)

  schedules = { for name, function in local.functions : name => function.schedule if function.schedule != null }

  topics = merge([
    for name, function in local.functions : { for topic, arn in function.topics : "${name}/${topic}" => { function = name, arn = arn } }
  ]...)
}

resource "aws_cloudwatch_event_rule" "event" {
  for_each       = local.patterns
  name           = "${var.name}-${each.key}"
  description    = "events/${each.key}"
  event_bus_name = local.buses[each.key]
  event_pattern  = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "event" {
  for_each       = local.subscriptions
  rule           = aws_cloudwatch_event_rule.event[each.value.event].name
  event_bus_name = local.buses[each.value.event]
  target_id      = each.value.function
  arn            = aws_lambda_function.this[each.value.function].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters[each.value.function].arn
  }

  depends_on = [aws_lambda_permission.event, aws_sqs_queue_policy.dead_letters]
}

resource "aws_lambda_permission" "event" {
  for_each      = local.subscriptions
  statement_id  = each.value.event
  function_name = aws_lambda_function.this[each.value.function].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.event[each.value.event].arn
}

# The truth is a sweep; every other trigger only makes it sooner.
resource "aws_cloudwatch_event_rule" "schedule" {
  for_each            = local.schedules
  name                = "${var.name}-${each.key}-schedule"
  description         = "events/scheduled-sweep"
  schedule_expression = each.value
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each  = local.schedules
  rule      = aws_cloudwatch_event_rule.schedule[each.key].name
  target_id = each.key
  arn       = aws_lambda_function.this[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters[each.key].arn
  }

  depends_on = [aws_lambda_permission.schedule, aws_sqs_queue_policy.dead_letters]
}

resource "aws_lambda_permission" "schedule" {
  for_each      = local.schedules
  statement_id  = "schedule"
  function_name = aws_lambda_function.this[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

resource "aws_sns_topic_subscription" "topic" {
  for_each       = local.topics
  topic_arn      = each.value.arn
  protocol       = "lambda"
  endpoint       = aws_lambda_function.this[each.value.function].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.value.function].arn })

  depends_on = [aws_lambda_permission.topic, aws_sqs_queue_policy.dead_letters]
}

resource "aws_lambda_permission" "topic" {
  for_each      = local.topics
  statement_id  = replace(each.key, "/", "-")
  function_name = aws_lambda_function.this[each.value.function].function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = each.value.arn
}
