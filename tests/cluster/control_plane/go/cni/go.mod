module kanaria/tests/cluster/cni

go 1.25

require github.com/containernetworking/plugins v1.8.0
