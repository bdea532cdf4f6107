#!/bin/sh
# Run by the image of PostgreSQL when its volume is empty: a role and a database for the site, and the same for Dagster.
set -eu
psql --set ON_ERROR_STOP=1 --set site_password="$SITE_DATABASE_PASSWORD" \
  --set dagster_password="$DAGSTER_DATABASE_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE site LOGIN PASSWORD :'site_password';
CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE DATABASE site OWNER site;
CREATE DATABASE dagster OWNER dagster;
REVOKE CONNECT ON DATABASE site FROM PUBLIC;
REVOKE CONNECT ON DATABASE dagster FROM PUBLIC;
SQL
