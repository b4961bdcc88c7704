# syntax=docker/dockerfile:1
# Serves Streamable HTTP on port 8000. It holds no key and no token, and serves nobody without one:
#   docker build -t llamp-mcp:1.0.0 .
#   docker run -e LLAMP_HTTP_TOKEN -e LLAMP_HTTP_HOSTS=127.0.0.1:8000 -e MP_API_KEY \
#     -p 127.0.0.1:8000:8000 -v llamp:/data llamp-mcp:1.0.0
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# chgnet has a part in C; a wheel of it is not on offer for every platform
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
RUN python -m venv /opt/llamp
ENV PATH=/opt/llamp/bin:$PATH
COPY constraints.txt ./
# torch first, and from its CPU index: that of PyPI brings several GB of CUDA
RUN pip install --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY llamp_mcp ./llamp_mcp
RUN pip install --constraint constraints.txt '.[chgnet,mace,dask,llm,literature,otel]' \
 && pip check

FROM python:${PYTHON} AS runtime
# tini ends the worker processes that outlive their parents
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 llamp \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin llamp \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/llamp /opt/llamp
ENV PATH=/opt/llamp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    MPLCONFIGDIR=/tmp/matplotlib \
    LLAMP_HOME=/data
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=20s --timeout=10s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=8)"]
ENTRYPOINT ["tini", "--", "llamp-mcp"]
CMD ["serve", "--http", "--host", "0.0.0.0", "--port", "8000"]
