"""A Kubernetes control plane of our own, for tests: Kubernetes, Knative Serving, KServe, Traefik.

Every program is built from Go modules and every manifest of others is read from the module cache;
what lies here is how to start them. All of it runs inside one sandbox of Linux namespaces, so the
kernel removes all of it with the sandbox. Only `sandbox` makes namespaces, only `processes`
starts programs, only `objects` talks to the API server.
"""
