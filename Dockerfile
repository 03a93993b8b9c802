# Trunkline as a small image: docker build -t trunkline . && docker run --env-file .env -p 8080:8080 trunkline
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY tools/install-packages tools/
RUN tools/install-packages build
COPY Makefile ./
COPY common common
COPY audio audio
COPY server server
RUN make -j"$(nproc)" build/trunkline && strip build/trunkline

FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libcivetweb1 libcjson1 libcurl4 libsqlite3-0 libwslay1 tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log \
 && useradd --system --uid 900 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin trunkline \
 && install -d -o 900 -g 900 -m 700 /data
# The file alone: the package would bring the openssl program along, which nothing here uses.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /usr/share/doc/trunkline/copyright
COPY --from=build /src/build/trunkline /usr/local/bin/trunkline

# In a container all addresses are the container's own; what is published decides who gets in.
ENV LISTEN=0.0.0.0 PORT=8080 DATA_DIR=/data
# The database of calls, and recordings. Agents are mounted: -v "$PWD/agents:/agents:ro" -e AGENTS_DIR=/agents
VOLUME /data
EXPOSE 8080
USER 900:900
HEALTHCHECK --interval=15s --timeout=4s --start-period=10s --retries=3 CMD ["/usr/local/bin/trunkline", "--health"]
# SIGTERM drains: live calls get DRAIN_SECONDS. `docker stop` kills after 10 s unless told otherwise (-t 40).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/trunkline"]
