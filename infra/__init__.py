"""Infrastructure: plain CloudFormation files, assets, and the world on a laptop."""
