output "policy_source" {
  description = "For the approver (module control-plane) and the runtime: appconfig:APPLICATION/ENVIRONMENT/PROFILE."
  value       = "appconfig:${aws_appconfig_application.this.id}/${aws_appconfig_environment.this.environment_id}/${aws_appconfig_configuration_profile.this.configuration_profile_id}"
}
