#!/bin/bash
# One database and one role per service; each role owns its own database and may connect to no other.
set -euo pipefail
for service in issuer payments accounts audit; do
  password=$(cat "/run/secrets/postgres/$service-password")
  psql --set ON_ERROR_STOP=1 --set role="$service" --set password="$password" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE CONNECT ON DATABASE :"role" FROM PUBLIC;
SQL
done
