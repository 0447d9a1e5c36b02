# The images of all runtimes; each holds the extra of uv.lock that RUNTIME names.
#   training  the steps that compute on data (`make images`)
#   control   push, rollout and the drift server; no TensorFlow, no KServe server (`make images`)
#   alibi     alibi-detect, whose Business Source License 1.1 forbids most production use; its
#             detectors run through kanaria.serving.drift.alibi_detect, which asks for
#             accept_bsl=True. Nothing of ours needs it (`make image-alibi`)
# The build context is the root of the repository. On top of a base that has Python 3.11 lie the
# locked packages as one layer and Kanaria's code as a second.
# Plain instructions only, so that docker (with BuildKit or without), podman and buildah build it.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

# Certificates are the base's, indexes and proxies are build arguments: these stages stay behind.
FROM ${BASE_IMAGE} AS tools
ARG UV_VERSION
ARG PIP_INDEX_URL
ENV UV_SYSTEM_CERTS=1 UV_NO_CACHE=1 UV_LINK_MODE=copy PYTHONHASHSEED=0
RUN python3 -c 'import sys; sys.exit("BASE_IMAGE needs Python 3.11" if sys.version_info[:2] != (3, 11) else 0)' \
 && python3 -m venv /opt/uv \
 && /opt/uv/bin/python -m pip install --quiet --no-cache-dir "uv==${UV_VERSION}"

# The list of packages is a file of its own: a change of pyproject.toml that does not change it
# installs nothing anew. Pruned is what only notebooks and builders of TensorFlow load.
FROM tools AS lock
ARG RUNTIME
COPY pyproject.toml uv.lock /lock/
RUN /opt/uv/bin/uv export --quiet --frozen --project /lock --extra "${RUNTIME}" --no-emit-project \
      --prune widgetsnbextension --prune jupyterlab-widgets --prune libclang \
      --no-header --no-annotate --output-file /requirements.txt

FROM tools AS dependencies
COPY --from=lock /requirements.txt /requirements.txt
ARG UV_DEFAULT_INDEX
# Headers and the libraries' own tests serve no step. Bytecode without time stamps, and one time
# stamp for all files, make equal inputs equal layers; so does compiling in one process, because
# what a process compiled before shows in its bytecode. The layer is copied with its parent folder,
# which the engine would else make anew with the time of the build.
RUN /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/kanaria \
 && /opt/uv/bin/uv pip install --quiet --python /opt/kanaria/bin/python --no-deps \
      --require-hashes --requirements /requirements.txt \
 && cd /opt/kanaria/lib/python3.11/site-packages \
 && rm -rf tensorflow/include pyarrow/include pyarrow/src numpy/core/include Crypto/SelfTest \
 && find . -regextype posix-extended -type d -regex '\./(numpy|pandas|pyarrow|scipy)/(.*/)?tests' \
      -prune -exec rm -rf {} + \
 && /opt/kanaria/bin/python -m compileall -q --invalidation-mode unchecked-hash . \
 && rm -f /opt/kanaria/.lock /opt/kanaria/.gitignore \
 && mkdir -p /dependencies/opt && cp --archive --link /opt/kanaria /dependencies/opt/ \
 && find /dependencies -exec touch --no-dereference --date=@0 {} +

FROM dependencies AS code
COPY pyproject.toml setup.cfg README.md /source/
COPY components /source/components
COPY pipelines /source/pipelines
COPY serving /source/serving
ARG UV_DEFAULT_INDEX
RUN /opt/uv/bin/uv build --quiet --wheel --out-dir /dist /source \
 && /opt/uv/bin/uv pip install --quiet --python /opt/kanaria/bin/python --no-deps --no-index \
      --find-links /dist kanaria \
 && packages=opt/kanaria/lib/python3.11/site-packages \
 && mkdir -p /layer/opt/kanaria/bin "/layer/$packages" \
 && cp /opt/kanaria/bin/kanaria /layer/opt/kanaria/bin/ \
 && cp -r "/$packages/kanaria" "/$packages"/kanaria-*.dist-info "/layer/$packages/" \
 && rm "/layer/$packages"/kanaria-*.dist-info/uv_cache.json \
 && sed -i /uv_cache.json/d "/layer/$packages"/kanaria-*.dist-info/RECORD \
 && /opt/kanaria/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      -s /layer "/layer/$packages" \
 && find /layer -exec touch --no-dereference --date=@0 {} +

FROM ${BASE_IMAGE} AS runtime
COPY --from=dependencies /dependencies /
COPY --from=code /layer /
# Any user id may run it, and the root may be read-only: only /tmp is written.
ENV PATH=/opt/kanaria/bin:${PATH:-/usr/local/bin:/usr/bin:/bin} HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
# KFP names the command of every step itself.
ENTRYPOINT []
CMD ["kanaria", "--help"]
ARG RUNTIME
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="kanaria-${RUNTIME}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS alibi
COPY --from=dependencies \
  /opt/kanaria/lib/python3.11/site-packages/alibi_detect-*.dist-info/licenses/LICENSE \
  /licenses/alibi-detect/
ENV TF_USE_LEGACY_KERAS=1
CMD ["python"]
LABEL org.opencontainers.image.licenses="Apache-2.0 AND BUSL-1.1" \
      alibi-detect.licence="/licenses/alibi-detect/LICENSE"
