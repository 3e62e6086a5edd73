#!/bin/sh
# Makes the namespace where it is missing. An open port does not mean that calls are served yet, so this tries for two
# minutes.
set -eu

tries=60
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    echo "The namespace $TEMPORAL_NAMESPACE cannot be made at $TEMPORAL_ADDRESS." >&2
    exit 1
  fi
  sleep 2
done
