# The web app: built files and an nginx that serves them with the headers that the service itself would send.
# Build from the root of the repository:
#
#   docker build -f deployment/docker/web.Dockerfile -t facekey-web .
#
# Build arguments:
#   PYTHON_IMAGE, NGINX_IMAGE  the bases; pin them by digest with NAME:TAG@sha256:...
#   VERSION, REVISION, SOURCE, CREATED  what the labels say
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.28-alpine-slim

# Node.js comes from the package registry, by hash, as in the Makefile. Scripts and styles are the same on every
# processor, so they are built on the builder's own.
FROM --platform=${BUILDPLATFORM} ${PYTHON_IMAGE} AS built
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build/frontend
COPY requirements-node.txt /build/
RUN python -m venv /opt/node \
    && /opt/node/bin/python -m pip install --quiet --require-hashes -r /build/requirements-node.txt
ENV PATH="/opt/node/bin:${PATH}"
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY frontend ./
RUN npm run --silent build && chmod -R a+rX dist

FROM ${NGINX_IMAGE} AS web
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="FaceKey web app" \
      org.opencontainers.image.description="Self-hosted face authentication: the web app" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
COPY deployment/nginx/nginx.conf /etc/nginx/nginx.conf
COPY deployment/nginx/facekey /etc/nginx/facekey
COPY deployment/nginx/web.conf.template /etc/nginx/templates/facekey/web.conf.template
COPY --from=built /build/frontend/dist /srv/web
# Templates are filled in at start, into /tmp: the only place that is written to.
ENV NGINX_ENVSUBST_OUTPUT_DIR=/tmp \
    NGINX_ENVSUBST_FILTER=^FACEKEY_ \
    FACEKEY_WEB_PORT=8080 \
    FACEKEY_WEB_ROOT=/srv/web \
    FACEKEY_VOICE=off
USER 101:101
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --retries=4 \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:8080/icon.svg"]
