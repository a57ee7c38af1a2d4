#!/bin/bash
# Per service a database and three roles. The service logs in as one: it may connect to its own database only, and read and write its rows as
# the migrations allow. The tables belong to another, which nobody logs in as. The third logs in to migrate and becomes the owner for that;
# no running service holds its password.
# Runs by itself in an empty server; in one that is there already it adds what is missing and sets the passwords to what the files say:
# docker compose exec postgres bash /docker-entrypoint-initdb.d/init.sh
set -euo pipefail
for service in issuer payments accounts audit; do
  password=$(cat "/run/secrets/postgres/$service-password")
  migrator_password=$(cat "/run/secrets/postgres/$service-migrator-password")
  psql --quiet --set ON_ERROR_STOP=1 --set role="$service" --set owner="${service}_owner" --set password="$password" \
    --set migrator="${service}_migrator" --set migrator_password="$migrator_password" --username "${POSTGRES_USER:-postgres}" <<'SQL'
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY[:'owner', :'role', :'migrator']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner" NOLOGIN;
ALTER ROLE :"role" LOGIN NOINHERIT PASSWORD :'password';
ALTER ROLE :"migrator" LOGIN NOINHERIT PASSWORD :'migrator_password';
GRANT :"owner" TO :"migrator";
REVOKE :"owner" FROM :"role";
SELECT format('CREATE DATABASE %I OWNER %I', :'role', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'role') \gexec
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"role" TO :"role", :"migrator";
SQL
done
psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --command 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
