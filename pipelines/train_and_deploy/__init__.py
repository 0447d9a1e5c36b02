"""train_and_deploy: from files to a canary revision. `pipeline.yaml` is compiled and committed."""
