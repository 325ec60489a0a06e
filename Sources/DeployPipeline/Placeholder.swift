// DeployPipeline
