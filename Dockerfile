# docker build -t jointbid . && docker run --rm -v "$PWD/results:/work/results" jointbid value
FROM python:3.11-slim
WORKDIR /src
COPY . .
RUN python -m pip install --no-cache-dir --constraint constraints.txt .
WORKDIR /work
ENTRYPOINT ["jointbid"]
CMD ["value"]
