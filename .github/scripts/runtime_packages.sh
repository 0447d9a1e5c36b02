#!/bin/sh
# Exports the locked packages that the image of a runtime holds, as uv's list or as its bill of
# materials, so that both are of the same packages:
#   runtime_packages.sh UV PROJECT RUNTIME [options of uv export]
# For CPUs tensorflow-cpu takes tensorflow's place: 600 MB less. Pruned are pandas, which only the
# parts of river import that we do not (control), and everywhere, in the order of the lines: what
# only notebooks and their debugger load; builders of TensorFlow; TensorBoard's server, which shows
# and does not write; Google's services that Beam can write to and no step does (storage, BigQuery
# and Pub/Sub stay, because Beam imports them).
set -eu
uv=$1 project=$2 runtime=$3
shift 3
own=
case "${runtime}" in
  training | alibi) own="--group cpu --no-emit-package tensorflow" ;;
  training-spark) own="--extra spark --group cpu --no-emit-package tensorflow" ;;
  control) own="--prune pandas" ;;
  explain) own="--extra control" ;;
esac
# shellcheck disable=SC2086
exec "${uv}" export --quiet --frozen --project "${project}" --extra "${runtime%-spark}" ${own} \
  --prune widgetsnbextension --prune jupyterlab-widgets --prune debugpy \
  --prune libclang \
  --prune tensorboard-data-server \
  --prune google-cloud-aiplatform --prune google-cloud-bigtable --prune google-cloud-build \
  --prune google-cloud-datastore --prune google-cloud-dlp --prune google-cloud-kms \
  --prune google-cloud-language --prune google-cloud-recommendations-ai \
  --prune google-cloud-secret-manager --prune google-cloud-spanner \
  --prune google-cloud-videointelligence --prune google-cloud-vision \
  "$@"
