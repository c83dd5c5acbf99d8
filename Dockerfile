# The image of every Omni process in compose.yaml.
FROM python:3.12-slim

RUN pip install --no-cache-dir 'uv>=0.9' && useradd --create-home --uid 10001 omni \
    && install --directory --owner omni /data
WORKDIR /app
COPY requirements.lock ./
RUN uv pip install --system --no-cache --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY src src
RUN uv pip install --system --no-cache --no-deps .

USER omni
ENV OMNI_DATA_DIR=/data OMNI_LOG_STYLE=json
VOLUME /data
ENTRYPOINT ["omni"]
CMD ["--help"]
