# The worker. Build: docker build -t bobbin-worker .
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY . .
# Installing builds, too: see `prepare` in package.json.
RUN npm ci

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
# git (with ssh for its remotes), bubblewrap and ripgrep are what an agent's commands need; tini passes signals on and
# reaps what they leave behind.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git openssh-client ripgrep tini \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production BOBBIN_DATA_DIR=/var/lib/bobbin
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY deploy/worker-health.mjs ./deploy/
# Volumes take over the owner of the folder they are mounted on.
RUN mkdir -p /etc/bobbin/identity /var/lib/bobbin/archive /var/lib/bobbin/keys /var/lib/bobbin-workspaces /workspaces \
  && chown -R node:node /var/lib/bobbin /var/lib/bobbin-workspaces /workspaces \
  && chmod -R u=rwX,go= /var/lib/bobbin /var/lib/bobbin-workspaces
USER node
ENTRYPOINT ["tini", "--"]
CMD ["node", "dist/bin/worker.js"]
