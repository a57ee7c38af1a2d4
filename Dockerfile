# One file for every service: `docker build --target payments .` and so on.

# Every package.json of the workspace and nothing else, so that packages are installed again only when one of these changes.
FROM node:24-bookworm-slim AS manifests
WORKDIR /countersign
COPY apps apps
COPY libs libs
COPY tools tools
COPY examples examples
RUN find apps libs tools examples -mindepth 2 -not -path '*/package.json' -type f -delete && find apps libs tools examples -type d -empty -delete

FROM node:24-bookworm-slim AS build
WORKDIR /countersign
ENV NX_DAEMON=false NX_TUI=false
COPY package.json package-lock.json nx.json tsconfig.base.json ./
COPY --from=manifests /countersign ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY apps apps
COPY libs libs
COPY tools tools
COPY examples examples
RUN npx nx run-many -t build -p issuer,payments,accounts,audit,console,cli,stack,people-provider,example-web-app --outputStyle=static \
 && find apps libs tools examples \( -name '*.ts' -o -name '*.map' -not -name start.js.map -o -name '*.tsbuildinfo' \) -delete \
 && rm -rf libs/*/cjs

# For each image the packages that it imports at run time, and no other: neither the build's tools nor its neighbours'. Of a package what
# runs: no types, source maps or tests; of the workspace the libraries that were installed for it.
FROM build AS packages
COPY deploy/runtime-packages.sh /usr/local/bin/runtime-packages

FROM packages AS issuer-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages issuer
FROM packages AS payments-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages payments
FROM packages AS accounts-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages accounts
FROM packages AS audit-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages audit
FROM packages AS cli-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages cli
FROM packages AS stack-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages stack

FROM packages AS provider-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages people-provider
FROM packages AS shop-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages example-web-app

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /countersign
# What the services keep through a restart (the issuer's public keys): a volume may be mounted here.
RUN mkdir --mode=0700 /var/lib/countersign && chown node:node /var/lib/countersign
USER node

FROM runtime AS service
# A stack trace names the source: a service's own code is one file (docs/adr/0033-services-are-bundled.md).
ENV NODE_OPTIONS=--enable-source-maps
# Through the shell's own sockets: starting Node for every check cost more than the idle service itself.
COPY deploy/healthcheck.sh /usr/local/bin/healthcheck
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 CMD ["bash", "/usr/local/bin/healthcheck"]

FROM service AS issuer
ENV PORT=4000
COPY --from=issuer-packages /runtime ./
CMD ["node", "apps/issuer/dist/main.js"]

FROM service AS payments
ENV PORT=4001
COPY --from=payments-packages /runtime ./
CMD ["node", "apps/payments/dist/main.js"]

FROM service AS accounts
ENV PORT=4002
COPY --from=accounts-packages /runtime ./
CMD ["node", "apps/accounts/dist/main.js"]

FROM service AS audit
ENV PORT=4003
COPY --from=audit-packages /runtime ./
# The pages that it serves, as the build made them: nothing of what made them.
COPY --from=build /countersign/apps/console/dist apps/console/dist
CMD ["node", "apps/audit/dist/main.js"]

# The profile demo: an OpenID provider for development, which refuses to run in production, and an application that acts for people.
FROM service AS provider
ENV PORT=4010 NODE_ENV=development
COPY --from=provider-packages /runtime ./
CMD ["node", "tools/people-provider/dist/main.js"]

FROM service AS shop
ENV PORT=4011
COPY --from=shop-packages /runtime ./
CMD ["node", "examples/web-app/dist/main.js"]

# The command line: `docker compose run --rm cli audit search`.
FROM runtime AS cli
COPY --from=cli-packages /runtime ./
ENTRYPOINT ["node", "/countersign/apps/cli/bin/countersign.mjs"]

# One shot: prepares the secrets of the stack, or makes the sample payment against it.
FROM runtime AS stack
COPY --from=stack-packages /runtime ./
ENTRYPOINT ["node", "tools/stack/dist/main.js"]
