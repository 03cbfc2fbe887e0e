# One image with all programs; docker-compose.yml says which one a container runs. The set-up is that of make: setup.sh.
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN ./setup.sh build && make -j"$(nproc)" CI=true && make install DESTDIR=/out

FROM debian:12-slim
COPY setup.sh /tmp/setup/
RUN /tmp/setup/setup.sh run && rm -rf /tmp/setup /var/lib/apt/lists/* \
    && useradd --system --uid 900 --home-dir /var/lib/daybook --create-home daybook \
    && install -d -o daybook -g daybook /var/lib/daybook/collector
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
USER daybook
VOLUME /var/lib/daybook
CMD ["daybook", "--help"]
