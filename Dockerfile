# Builds the bundle with a locked install, and ships it on a bare Node without npm or a shell of ours.
# Both images are arguments, so that it builds where no public registry is reachable.
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run bundle

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="oauth-credential-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /src/dist/bundle ./
COPY LICENSE ./
USER 65532:65532
EXPOSE 8080 8081
# --disable-sigusr1: nobody opens an inspector into a process that holds refresh tokens.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--max-semi-space-size=4", "main.js"]
CMD ["controller"]
