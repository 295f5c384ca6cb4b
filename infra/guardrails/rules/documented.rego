# What Linkward's own IAM policies allow, by the policy's name: the actions, and those of them that AWS knows no narrower resource for.
# A test holds this to functions/*/iam.json and to the modules.
package linkward.documented

import rego.v1

# Logs, metrics, audit events, dead letters, the tables' key: of every function.
shared := [
	"cloudwatch:PutMetricData",
	"events:PutEvents",
	"kms:Decrypt",
	"kms:DescribeKey",
	"kms:Encrypt",
	"kms:GenerateDataKey*",
	"kms:ReEncrypt*",
	"logs:CreateLogStream",
	"logs:PutLogEvents",
	"sqs:SendMessage",
]

policies := {
	"linkward-endpoint-approver": {
		"actions": array.concat(shared, [
			"appconfig:GetLatestConfiguration",
			"appconfig:StartConfigurationSession",
			"dynamodb:BatchWriteItem",
			"dynamodb:GetItem",
			"dynamodb:Scan",
			"ec2:AcceptVpcEndpointConnections",
			"ec2:DescribeVpcEndpointConnections",
			"ec2:DescribeVpcEndpointServicePermissions",
			"ec2:RejectVpcEndpointConnections",
			"organizations:ListParents",
			"s3:GetObject",
		]),
		"onEveryResource": ["cloudwatch:PutMetricData", "ec2:DescribeVpcEndpointConnections", "ec2:DescribeVpcEndpointServicePermissions", "organizations:ListParents"],
	},
	"linkward-certificate-revoker": {
		"actions": array.concat(shared, [
			"acm-pca:RevokeCertificate",
			"dynamodb:GetItem",
			"dynamodb:PutItem",
			"dynamodb:Query",
			"dynamodb:UpdateItem",
			"s3:PutObject",
			"s3:PutObjectAcl",
		]),
		"onEveryResource": ["cloudwatch:PutMetricData"],
	},
	"linkward-certificate-rotator": {
		"actions": array.concat(shared, [
			"acm-pca:DescribeCertificateAuthority",
			"acm-pca:GetCertificate",
			"acm-pca:IssueCertificate",
			"acm-pca:RevokeCertificate",
			"dynamodb:PutItem",
			"dynamodb:Query",
			"s3:PutObject",
			"s3:PutObjectAcl",
			"secretsmanager:DescribeSecret",
			"secretsmanager:GetSecretValue",
			"secretsmanager:PutSecretValue",
			"secretsmanager:UpdateSecretVersionStage",
		]),
		"onEveryResource": ["cloudwatch:PutMetricData"],
	},
	"linkward-posture-reporter": {
		"actions": array.concat(shared, ["dynamodb:Scan", "s3:GetObject"]),
		"onEveryResource": ["cloudwatch:PutMetricData"],
	},
	"linkward-operator": {
		"actions": [
			"dynamodb:BatchGetItem",
			"dynamodb:BatchWriteItem",
			"dynamodb:ConditionCheckItem",
			"dynamodb:DeleteItem",
			"dynamodb:GetItem",
			"dynamodb:PutItem",
			"dynamodb:Query",
			"dynamodb:Scan",
			"dynamodb:UpdateItem",
			"events:PutEvents",
			"kms:Decrypt",
			"kms:DescribeKey",
			"kms:Encrypt",
			"kms:GenerateDataKey*",
			"kms:ReEncrypt*",
			"lambda:InvokeFunction",
		],
		"onEveryResource": [],
	},
	"linkward-runtime": {
		"actions": [
			"appconfig:GetLatestConfiguration",
			"appconfig:StartConfigurationSession",
			"dynamodb:GetItem",
			"dynamodb:Query",
			"dynamodb:Scan",
			"kms:Decrypt",
			"kms:DescribeKey",
			"s3:GetObject",
			"secretsmanager:GetSecretValue",
		],
		"onEveryResource": [],
	},
	"linkward-execution": {
		"actions": [
			"ecr:BatchCheckLayerAvailability",
			"ecr:BatchGetImage",
			"ecr:GetAuthorizationToken",
			"ecr:GetDownloadUrlForLayer",
			"kms:Decrypt",
			"logs:CreateLogStream",
			"logs:PutLogEvents",
			"secretsmanager:GetSecretValue",
		],
		"onEveryResource": ["ecr:GetAuthorizationToken"],
	},
	"linkward-forward": {
		"actions": ["events:PutEvents"],
		"onEveryResource": [],
	},
}
