# The images of all runtimes; each holds the extra of uv.lock that RUNTIME names, but for feast.
#   training      the steps that compute on data, for CPUs (`make images`)
#   training-gpu  the same with TensorFlow's kernels for GPUs, CUDA and cuDNN (`make image-gpu`)
#   training-spark   the CPU one with pyspark and Java, for steps on Spark and its executors (`make image-spark`)
#   feast         Feast: the feature store's steps, and its servers (`make image-feast`); not of
#                 uv.lock, beside which it does not fit, but of components/join/requirements.txt
#   control       push, rollout and the drift server; no TensorFlow, no KServe server (`make images`)
#   explain       the control image with SHAP, for KServe explainers (`make image-explain`)
#   alibi         alibi-detect, whose Business Source License 1.1 forbids most production use; its
#                 detectors run through kanaria.serving.drift.alibi.alibi_detect, which asks for
#                 accept_bsl=True. Nothing of ours needs it (`make image-alibi`)
# The build context is the root of the repository. On a base that has Python 3.11 lie four layers:
# the large packages, which change rarely, the other packages, the bill of materials, and Kanaria's
# code. None is built from another, so a change builds one.
# Plain instructions only, so that docker (with BuildKit or without), podman and buildah build it.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm
# What Debian adds for Spark: Java, and a name and home for every number of a user, without which Spark
# does not start ("basedir must be absolute: ?/.ivy2/local", then "invalid null input: name").
ARG SPARK_NEEDS="openjdk-17-jre-headless libnss-unknown"

# Certificates are the base's, indexes and proxies are build arguments: these stages stay behind.
FROM ${BASE_IMAGE} AS tools
ARG UV_VERSION
ARG PIP_INDEX_URL
ENV UV_SYSTEM_CERTS=1 UV_NO_CACHE=1 UV_LINK_MODE=copy PYTHONHASHSEED=0
RUN python3 -c 'import sys; sys.exit("BASE_IMAGE needs Python 3.11" if sys.version_info[:2] != (3, 11) else 0)' \
 && python3 -m venv /opt/uv \
 && /opt/uv/bin/python -m pip install --quiet --no-cache-dir "uv==${UV_VERSION}" "setuptools>=77" \
 && /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/kanaria
COPY .github/scripts/image_layer.py .github/scripts/image_sbom.py \
     .github/scripts/name_tensorflow.py .github/scripts/runtime_packages.sh \
     .github/scripts/strip_symbols.py components/shared/html_report/chart_library.py /tools/

# The lists of packages are files of their own: a change of pyproject.toml that does not change a
# list installs nothing anew. The bill of materials (CycloneDX) is of the same packages and those of
# the base, which brings dpkg or has none.
FROM tools AS lists
ARG RUNTIME
ARG VERSION
ARG SPARK_NEEDS
COPY pyproject.toml uv.lock components/join/requirements.txt /lock/
RUN if [ "${RUNTIME}" = feast ]; then \
      grep -v '^#' /lock/requirements.txt > /all.txt && cp /all.txt /python.txt; \
    else \
      packages="sh /tools/runtime_packages.sh /opt/uv/bin/uv /lock ${RUNTIME}" \
      && ${packages} --no-emit-project --no-header --no-annotate --output-file /all.txt \
      && ${packages} --format cyclonedx1.5 --preview-features sbom-export --output-file /python.json > /dev/null; \
    fi \
 && if [ "${RUNTIME}" = training-spark ]; then \
      mkdir -p /usr/share/man/man1 && apt-get update --quiet=2 \
      && apt-get install --quiet=2 --yes --no-install-recommends ${SPARK_NEEDS} > /dev/null; \
    fi \
 && if command -v dpkg-query > /dev/null; then \
      dpkg-query --show --showformat '${Package} ${Version} ${Architecture}\n' > /debian.txt; \
    else : > /debian.txt; fi \
 && mkdir -p /bill/opt/kanaria \
 && /opt/uv/bin/python /tools/image_sbom.py "${RUNTIME}" "${VERSION}" /python.* /bill/opt/kanaria/sbom.cdx.json /debian.txt \
 && find /bill -exec touch --date=@0 {} + \
 && large='^(apache-beam|llvmlite|numba|nvidia-.*|numpy|pandas|pyarrow|scikit-learn|scipy|tensorflow(-cpu|-data-validation)?|tfx-bsl)([[].*)?==' \
 && awk -v "large=${large}" \
      '/^[a-z]/ { list = $0 ~ large ? "/large.txt" : "/others.txt" } { print > list }' /all.txt

FROM tools AS large
COPY --from=lists /large.txt /packages.txt
ARG RUNTIME
ARG UV_DEFAULT_INDEX
RUN [ "${RUNTIME}" != control ] || only=--bytecode-only \
 && /opt/uv/bin/python /tools/image_layer.py /packages.txt /layer ${only:-}

FROM tools AS others
COPY --from=lists /others.txt /packages.txt
ARG RUNTIME
ARG UV_DEFAULT_INDEX
RUN [ "${RUNTIME}" != control ] || only=--bytecode-only \
 && /opt/uv/bin/python /tools/image_layer.py /packages.txt /layer ${only:-}

FROM tools AS code
COPY pyproject.toml setup.cfg README.md /source/
COPY components /source/components
COPY pipelines /source/pipelines
COPY serving /source/serving
RUN /opt/uv/bin/uv build --quiet --wheel --no-build-isolation --python /opt/uv/bin/python \
      --out-dir /dist /source \
 && /opt/uv/bin/python /tools/image_layer.py /dist/*.whl /layer

FROM ${BASE_IMAGE} AS runtime
# Any user id may run it, and the root may be read-only: only /tmp is written. Settings come first, so
# that a change of code does not make them anew. USER is for libraries that ask for the user's name,
# which no list of users has for a number that OpenShift chose.
ENV PATH=/opt/kanaria/bin:${PATH:-/usr/local/bin:/usr/bin:/bin} HOME=/tmp USER=kanaria PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
# KFP names the command of every step itself.
ENTRYPOINT []
CMD ["kanaria", "--help"]
COPY --from=large /layer /
COPY --from=others /layer /
COPY --from=lists /bill /
COPY --from=code /layer /
ARG RUNTIME
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="kanaria-${RUNTIME}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The libraries of NVIDIA's wheels find each other, and the driver where GKE puts it; TensorFlow takes
# of a GPU's memory what it needs, not all. NVIDIA_VISIBLE_DEVICES stays the device plugin's to set.
FROM runtime AS gpu
ARG NVIDIA=/opt/kanaria/lib/python3.11/site-packages/nvidia
ENV PATH=${NVIDIA}/cuda_nvcc/bin:${PATH} \
    LD_LIBRARY_PATH=${NVIDIA}/cublas/lib:${NVIDIA}/cuda_cupti/lib:${NVIDIA}/cuda_nvrtc/lib:${NVIDIA}/cuda_runtime/lib:${NVIDIA}/cudnn/lib:${NVIDIA}/cufft/lib:${NVIDIA}/curand/lib:${NVIDIA}/cusolver/lib:${NVIDIA}/cusparse/lib:${NVIDIA}/nccl/lib:${NVIDIA}/nvjitlink/lib:/usr/local/nvidia/lib64 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    TF_FORCE_GPU_ALLOW_GROWTH=true

# Java lies on the packages, and Spark's pods begin with a script of ours: Spark's own image has one, its
# package has none. KFP names the command of a step, so the steps begin as in the other images.
FROM runtime AS spark
USER 0:0
ARG SPARK_NEEDS
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && apt-get install --yes --no-install-recommends ${SPARK_NEEDS} \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
COPY .github/scripts/spark_pod.sh /opt/kanaria/bin/spark-pod
ENV SPARK_HOME=/opt/kanaria/lib/python3.11/site-packages/pyspark
ENTRYPOINT ["/opt/kanaria/bin/spark-pod"]
USER 65532:65532

FROM runtime AS alibi
COPY --from=others \
  /layer/opt/kanaria/lib/python3.11/site-packages/alibi_detect-*.dist-info/licenses/LICENSE \
  /licenses/alibi-detect/
ENV TF_USE_LEGACY_KERAS=1
CMD ["python"]
LABEL org.opencontainers.image.licenses="Apache-2.0 AND BUSL-1.1" \
      alibi-detect.licence="/licenses/alibi-detect/LICENSE"
