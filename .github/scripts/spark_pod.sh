#!/bin/sh
# What a pod of Spark's on Kubernetes begins with: Spark gives `executor` or `driver` as the first word
# and all else in the environment. Anything else is run as it stands, which is how KFP begins a step.
set -e
case "$1" in
  executor)
    # SPARK_JAVA_OPT_0, _1 and so on are one option each; a file keeps their blanks.
    options=$(mktemp)
    env | sed -n 's/^SPARK_JAVA_OPT_[0-9]*=\(.*\)/"\1"/p' > "${options}"
    exec java "@${options}" "-Xms${SPARK_EXECUTOR_MEMORY}" "-Xmx${SPARK_EXECUTOR_MEMORY}" \
      -cp "${SPARK_CONF_DIR:-/opt/spark/conf}:${SPARK_HOME}/jars/*" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "${SPARK_DRIVER_URL}" --executor-id "${SPARK_EXECUTOR_ID}" \
      --cores "${SPARK_EXECUTOR_CORES}" --app-id "${SPARK_APPLICATION_ID}" \
      --hostname "${SPARK_EXECUTOR_POD_IP}" --podName "${SPARK_EXECUTOR_POD_NAME}" \
      --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID}"
    ;;
  driver)
    shift
    exec "${SPARK_HOME}/bin/spark-submit" --deploy-mode client \
      --conf "spark.driver.bindAddress=${SPARK_DRIVER_BIND_ADDRESS}" "$@"
    ;;
  *) exec "$@" ;;
esac
