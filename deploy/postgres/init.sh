#!/bin/bash
# One database and one role per service; each role may connect to its own database and to no other. It owns it, but for the ledger's:
# there the tables belong to accounts_owner, which nobody logs in as and which accounts becomes to migrate.
set -euo pipefail
for service in issuer payments accounts audit; do
  password=$(cat "/run/secrets/postgres/$service-password")
  psql --set ON_ERROR_STOP=1 --set role="$service" --set password="$password" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SELECT :'role' = 'accounts' AS separate \gset
\if :separate
CREATE ROLE accounts_owner NOLOGIN;
ALTER ROLE accounts NOINHERIT;
GRANT accounts_owner TO accounts;
CREATE DATABASE accounts OWNER accounts_owner;
GRANT CONNECT ON DATABASE accounts TO accounts;
\else
CREATE DATABASE :"role" OWNER :"role";
\endif
REVOKE CONNECT ON DATABASE :"role" FROM PUBLIC;
SQL
done
