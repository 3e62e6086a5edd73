#!/bin/sh
# Makes the namespace where it is missing, and registers what threads can be filtered by; twice is once. An open port does
# not mean that calls are served yet, so this tries for two minutes.
set -eu

prepare() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d || return 1
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name BobbinStatus --type Keyword \
    --name BobbinActiveKind --type Keyword \
    --name BobbinRepository --type Keyword \
    --name BobbinAccount --type Keyword \
    --name BobbinWaitsForPerson --type Bool \
    --name BobbinDepth --type Int \
    --name BobbinCostUsd --type Double
}

tries=60
until prepare; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    echo "The namespace $TEMPORAL_NAMESPACE cannot be prepared at $TEMPORAL_ADDRESS." >&2
    exit 1
  fi
  sleep 2
done
