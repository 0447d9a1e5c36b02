module kanaria/tests/cluster/kwok

go 1.25

// kwok 0.7 needs Kubernetes 0.33, so it cannot share the module of the control plane.
require sigs.k8s.io/kwok v0.7.0
