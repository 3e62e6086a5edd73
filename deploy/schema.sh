#!/bin/sh
# Brings both databases of the Temporal server to the tables of this version. Doing it again changes nothing.
set -eu

tables=/etc/temporal/schema/postgresql/v12

upgrade() {
  name=$1
  folder=$2
  set -- temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" --db "$name"
  "$@" create
  "$@" setup-schema -v 0.0
  "$@" update-schema -d "$tables/$folder/versioned"
}

upgrade temporal temporal
upgrade temporal_visibility visibility
