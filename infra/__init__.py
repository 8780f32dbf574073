"""The CDK app: what is deployed, to AWS and to the local AWS alike."""
