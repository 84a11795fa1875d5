# Three images: docker build --target agent|operator|worker -t tuner/agent:dev .
FROM python:3.11-slim-bookworm AS python
# Not the working directory but the installed package is what `python -m` finds.
ENV PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

FROM python AS wheel
COPY requirements/tools.txt /requirements/
RUN python -m venv /tools \
 && /tools/bin/pip install --quiet --require-hashes -r /requirements/tools.txt
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY tuner tuner
COPY operator operator
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels .

# An environment without pip in it; tests of dependencies are left out; bytecode is compiled.
FROM python AS agent-env
COPY requirements/agent.txt /requirements/
RUN python -m venv --without-pip /opt/tuner \
 && pip --python /opt/tuner/bin/python install --quiet --require-hashes -r /requirements/agent.txt
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/tuner/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
 && rm -rf /opt/tuner/lib/python3.11/site-packages/Crypto/SelfTest \
 && find /opt/tuner -name '*.pyi' -delete

FROM python AS operator-env
COPY requirements/operator.txt /requirements/
RUN python -m venv --without-pip /opt/tuner \
 && pip --python /opt/tuner/bin/python install --quiet --require-hashes -r /requirements/operator.txt
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/tuner/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
 && find /opt/tuner -type d -name tests -prune -exec rm -rf {} +

FROM python AS worker-env
COPY requirements/worker.txt /requirements/
RUN python -m venv --without-pip /opt/tuner \
 && pip --python /opt/tuner/bin/python install --quiet --require-hashes -r /requirements/worker.txt
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/tuner/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
 && find /opt/tuner -type d -name tests -prune -exec rm -rf {} +

FROM python AS runtime
ENV PATH=/opt/tuner/bin:$PATH \
    HOME=/tmp
WORKDIR /
USER 65532:65532

FROM runtime AS agent
COPY --from=agent-env /opt/tuner /opt/tuner
CMD ["python", "-m", "tuner.agent"]

FROM runtime AS worker
COPY --from=worker-env /opt/tuner /opt/tuner
CMD ["python", "-m", "tuner.worker"]

FROM runtime AS operator
COPY --from=operator-env /opt/tuner /opt/tuner
CMD ["python", "-m", "tuner_operator"]
