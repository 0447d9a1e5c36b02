module kanaria/tests/cluster/knative

go 1.25

require knative.dev/serving v0.48.1
