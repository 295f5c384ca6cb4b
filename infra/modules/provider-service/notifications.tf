# What wakes the approver when somebody connects: connection notifications, through an encrypted topic.

resource "aws_sns_topic" "connections" {
  name              = "${var.name}-endpoint-connections"
  kms_master_key_id = aws_kms_key.connections.arn
}

resource "aws_vpc_endpoint_connection_notification" "this" {
  vpc_endpoint_service_id     = aws_vpc_endpoint_service.this.id
  connection_notification_arn = aws_sns_topic.connections.arn
  connection_events           = ["Accept", "Connect", "Delete", "Reject"]

  # AWS tries the topic when the notification is made.
  depends_on = [aws_sns_topic_policy.connections, aws_kms_key_policy.connections]
}

# A key of its own: it encrypts nothing but this topic, so that what PrivateLink may do with it reaches no further.
resource "aws_kms_key" "connections" {
  description             = "Endpoint connection notifications of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}
