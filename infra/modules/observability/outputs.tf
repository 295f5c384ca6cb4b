output "topic_arn" {
  description = "The topic of all alarms."
  value       = aws_sns_topic.alarms.arn

  depends_on = [aws_sns_topic_policy.alarms, aws_kms_key_policy.alarms]
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name]
}
