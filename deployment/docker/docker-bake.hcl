// All images at once, for amd64 and arm64, each with its SBOM and provenance. From the root of the repository:
//
//   docker buildx bake -f deployment/docker/docker-bake.hcl                    builds for all platforms
//   docker buildx bake -f deployment/docker/docker-bake.hcl local              for this machine, into its docker
//   REGISTRY=registry.example.org/facekey/ VERSION=0.1.0 \
//     docker buildx bake -f deployment/docker/docker-bake.hcl --push           builds and publishes
//
// No digest stands here, because they change with every fix of a base: give them as variables, which is what a
// release does: PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...

variable "REGISTRY" { default = "" }
variable "VERSION" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "SOURCE" { default = "unknown" }
variable "CREATED" { default = "unknown" }
variable "MODELS" { default = "baked" }
variable "EXTRAS" { default = "no" }
variable "PYTHON_IMAGE" { default = "python:3.11-slim-bookworm" }
variable "NGINX_IMAGE" { default = "nginxinc/nginx-unprivileged:1.28-alpine-slim" }
variable "POSTGRES_IMAGE" { default = "pgvector/pgvector:0.8.0-pg17" }

group "default" { targets = ["api", "web", "backup"] }
group "local" { targets = ["api-local", "web-local", "backup-local"] }

target "labelled" {
  context = "."
  args = {
    VERSION = VERSION
    REVISION = REVISION
    SOURCE = SOURCE
    CREATED = CREATED
  }
}

target "published" {
  platforms = ["linux/amd64", "linux/arm64"]
  attest = ["type=sbom", "type=provenance,mode=max"]
}

target "api-local" {
  inherits = ["labelled"]
  dockerfile = "deployment/docker/api.Dockerfile"
  args = { PYTHON_IMAGE = PYTHON_IMAGE, MODELS = MODELS, EXTRAS = EXTRAS }
  tags = ["${REGISTRY}facekey-api:${VERSION}"]
}

target "web-local" {
  inherits = ["labelled"]
  dockerfile = "deployment/docker/web.Dockerfile"
  args = { PYTHON_IMAGE = PYTHON_IMAGE, NGINX_IMAGE = NGINX_IMAGE }
  tags = ["${REGISTRY}facekey-web:${VERSION}"]
}

target "backup-local" {
  inherits = ["labelled"]
  dockerfile = "deployment/docker/backup.Dockerfile"
  args = { POSTGRES_IMAGE = POSTGRES_IMAGE }
  tags = ["${REGISTRY}facekey-backup:${VERSION}"]
}

target "api" { inherits = ["api-local", "published"] }
target "web" { inherits = ["web-local", "published"] }
target "backup" { inherits = ["backup-local", "published"] }
