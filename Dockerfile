# The program alone, on Node.js, as a user without rights. It runs with a read-only root; /data is all it writes to.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
# The image brings Node.js itself: the copies for machines with an older one are left behind, as are the tools.
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY lua lua
COPY public public
COPY views views
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN install -d -o 10001 -g 10001 -m 0700 /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["node", "/app/dist/main.js", "health", "http://127.0.0.1:8080"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve", "-c", "/etc/moonlatch/moonlatch.yaml"]
