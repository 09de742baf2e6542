# classpulse in a container: no network needed when it runs, not root, and a root file system that may be read-only.
#   docker build -t classpulse .
#   docker run --rm --read-only --tmpfs /tmp --network none --user "$(id -u)" -v "$PWD:/data" classpulse analyze lesson.mp4
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/classpulse \
 && /opt/classpulse/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[exchange,web]' \
 && /opt/classpulse/bin/pip uninstall --yes opencv-python \
 && /opt/classpulse/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt opencv-python-headless \
 && find /opt/classpulse -name __pycache__ -prune -exec rm -r {} +

FROM python:3.12-slim
COPY --from=build /opt/classpulse /opt/classpulse
RUN useradd --create-home --uid 1000 classpulse
ENV PATH=/opt/classpulse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
USER 1000
WORKDIR /data
VOLUME /data
ENTRYPOINT ["classpulse"]
CMD ["--help"]
