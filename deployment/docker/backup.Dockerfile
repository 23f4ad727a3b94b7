# The backup job: pg_dump and pg_restore of the very version that the database has, and the scripts of
# deployment/backup. Build from the root of the repository:
#
#   docker build -f deployment/docker/backup.Dockerfile -t facekey-backup .
ARG POSTGRES_IMAGE=pgvector/pgvector:0.8.0-pg17
FROM ${POSTGRES_IMAGE} AS backup
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="FaceKey backup" \
      org.opencontainers.image.description="Self-hosted face authentication: the backup job" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
# The same user as the service's, so that both may use the folder of metrics.
RUN groupadd --gid 10001 facekey \
    && useradd --uid 10001 --gid facekey --no-create-home --home-dir /tmp --shell /usr/sbin/nologin facekey \
    && install -d -o facekey -g facekey -m 0700 /backups \
    && install -d -o facekey -g facekey -m 0755 /var/lib/facekey /var/lib/facekey/metrics
COPY --chmod=0755 deployment/backup/ /srv/facekey/
WORKDIR /srv/facekey
ENV HOME=/tmp
USER 10001:10001
ENTRYPOINT []
HEALTHCHECK NONE
CMD ["/srv/facekey/schedule.sh"]
