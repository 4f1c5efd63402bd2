# The broker as an image: what the lock files name, the code, and no tool to install more.
# Another base needs Python 3.11 or newer with venv:  docker build --build-arg BASE=… .
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
RUN python3 -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
    && python3 -m venv --without-pip /opt/broker \
    && /opt/tools/bin/pip --python /opt/broker/bin/python install --no-cache-dir --require-hashes \
        --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY broker broker
COPY providers providers
RUN /opt/tools/bin/python -m hatchling build -t wheel -d dist \
    && /opt/tools/bin/pip --python /opt/broker/bin/python install --no-cache-dir --no-deps dist/*.whl

FROM ${BASE}
COPY --from=build /opt/broker /opt/broker
ENV BROKER_CONFIG=/etc/broker/broker.toml \
    PATH=/opt/broker/bin:$PATH \
    PYTHONUNBUFFERED=1
# Only for the embedded database; with PostgreSQL the file system can be read-only.
WORKDIR /var/lib/broker
RUN chown 10001:10001 .
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=10s CMD \
    ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["broker"]
CMD ["serve", "--host", "0.0.0.0"]
