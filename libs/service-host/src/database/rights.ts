import type pg from 'pg';

/**
 * Copies every right of one role on the objects that the current role owns to `to`, no more and no less: tables with
 * their columns, sequences, functions, schemas. Drizzle's own schema is left out: which migrations ran is for migrations to write.
 */
const MIRROR = `
DO $mirror$
DECLARE
  from_role oid := (SELECT oid FROM pg_roles WHERE rolname = current_setting('countersign.from'));
  to_role text := quote_ident(current_setting('countersign.to'));
  object record;
  granted record;
BEGIN
  FOR object IN
    SELECT format('TABLE %I.%I', nspname, relname) AS name, relacl AS acl, c.oid AS relation
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relowner = current_user::regrole AND nspname <> 'drizzle' AND nspname !~ '^pg_'
    UNION ALL
    SELECT format('SEQUENCE %I.%I', nspname, relname), relacl, NULL
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'S' AND relowner = current_user::regrole AND nspname <> 'drizzle' AND nspname !~ '^pg_'
    UNION ALL
    SELECT format('FUNCTION %s', p.oid::regprocedure), proacl, NULL
      FROM pg_proc p WHERE prokind = 'f' AND proowner = current_user::regrole AND proacl IS NOT NULL
    UNION ALL
    SELECT format('SCHEMA %I', nspname), nspacl, NULL
      FROM pg_namespace WHERE nspowner = current_user::regrole AND nspname <> 'drizzle' AND nspname !~ '^pg_'
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', object.name, to_role);
    FOR granted IN SELECT privilege_type FROM aclexplode(object.acl) WHERE grantee = from_role LOOP
      EXECUTE format('GRANT %s ON %s TO %s', granted.privilege_type, object.name, to_role);
    END LOOP;
    FOR granted IN
      SELECT privilege_type, attname
        FROM pg_attribute, aclexplode(attacl)
       WHERE attrelid = object.relation AND grantee = from_role AND NOT attisdropped
    LOOP
      EXECUTE format('GRANT %s (%I) ON %s TO %s', granted.privilege_type, granted.attname, object.name, to_role);
    END LOOP;
  END LOOP;
END $mirror$`;

/** Works in one transaction. */
export async function atomically(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** Gives `to` exactly the rights of `from`. Run it as the owner, in a transaction. */
export async function mirrorRights(client: pg.ClientBase, from: string, to: string): Promise<void> {
  await client.query(`select set_config('countersign.from', $1, true), set_config('countersign.to', $2, true)`, [
    from,
    to,
  ]);
  await client.query(MIRROR);
}
