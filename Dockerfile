# One image for web, worker and release. Wheels only, so it builds alike for amd64 and arm64:
# docker buildx build --platform linux/amd64,linux/arm64 .
FROM python:3.13-slim AS build

# With tracing: --build-arg LOCK=requirements-tracing.txt
ARG LOCK=requirements.txt
COPY $LOCK /requirements.txt
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r /requirements.txt
COPY templates /app/templates
COPY static /app/static
COPY onboarding /app/onboarding
RUN python -m compileall -q /app/onboarding

FROM python:3.13-slim

LABEL org.opencontainers.image.title="Slack onboarding for Novu"
# gunicorn's workers prove that they live by touching a file, which must not lie on a disk that stalls.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GUNICORN_CMD_ARGS=--worker-tmp-dir=/dev/shm \
    PORT=8000
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 65532:65532
EXPOSE 8000
# Kubernetes has probes of its own; a container that runs the worker switches this off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "python:onboarding.web.server"]
