# Builds the bundle from a locked install, and ships it on a bare Node: no npm, no node_modules, no shell of ours.
#
#   docker build --build-arg VERSION=1.2.3 --build-arg REVISION="$(git rev-parse HEAD)" -t oauth-credential-operator .
#
# The same sources give the same bundle, byte for byte; so no label tells the time unless you give it one:
#
#   --label "org.opencontainers.image.created=$(git log -1 --format=%cI)"
#
# /app/sbom.cdx.json lists every package in the bundle (CycloneDX), /app/THIRD-PARTY-NOTICES.txt has their licenses.
#
# Both images are arguments, so that it builds where no public registry is reachable. Behind a registry or a proxy of
# your own, give the build their settings as secrets; they stay out of every layer:
#
#   docker build --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

# The bundle is the same for every architecture: it is built on the one that builds.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# No install scripts: nothing that the bundle is made of needs one, and so no dependency runs code here.
RUN --mount=type=secret,id=npmrc,target=/run/secrets/npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    if [ -f /run/secrets/npmrc ]; then export NPM_CONFIG_USERCONFIG=/run/secrets/npmrc; fi; \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.base.json ./
COPY scripts scripts
COPY src src
ARG VERSION
ARG REVISION
RUN OAUTH_OPERATOR_VERSION="${VERSION}" OAUTH_OPERATOR_REVISION="${REVISION}" node scripts/bundle.ts

FROM ${RUNTIME_IMAGE}
WORKDIR /app
COPY --from=build /src/dist/bundle ./
COPY LICENSE ./
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="oauth-credential-operator" \
      org.opencontainers.image.description="Keeps OAuth 2.0 access tokens fresh in Kubernetes Secrets and files, and never loses a rotated refresh token." \
      org.opencontainers.image.source="https://github.com/oauth-credential-operator/oauth-credential-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# By number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 65532:65532
# Metrics, and health.
EXPOSE 8080 8081
# The C library gives memory back, and keeps it in one place: without both, half as much again stays with it.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
# Names are looked up on these threads, beside writes of the journal: a name server that does not answer must not hold
# up the names of others.
ENV UV_THREADPOOL_SIZE=16
# --disable-sigusr1: nobody opens an inspector into a process that holds refresh tokens. The others let garbage be
# collected before it has piled up, and count what lies outside of the heap; none is a limit that a process dies of.
# An absolute path, so that a working directory may be set for relative --manifests and --output.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--max-semi-space-size=4", "--memory-saver-mode", "--external-memory-accounted-in-global-limit", "/app/main.js"]
CMD ["controller"]
