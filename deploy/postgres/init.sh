#!/bin/bash
# Per service a database and two roles: the service logs in as one, may connect to its own database alone and read and write its rows; the
# tables belong to the other, which nobody logs in as and which the service becomes only to migrate.
set -euo pipefail
for service in issuer payments accounts audit; do
  password=$(cat "/run/secrets/postgres/$service-password")
  psql --set ON_ERROR_STOP=1 --set role="$service" --set owner="${service}_owner" --set password="$password" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"owner" NOLOGIN;
CREATE ROLE :"role" LOGIN NOINHERIT PASSWORD :'password';
GRANT :"owner" TO :"role";
CREATE DATABASE :"role" OWNER :"owner";
GRANT CONNECT ON DATABASE :"role" TO :"role";
REVOKE CONNECT ON DATABASE :"role" FROM PUBLIC;
SQL
done
