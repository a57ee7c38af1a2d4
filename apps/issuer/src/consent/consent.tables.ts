import { integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const consentTable = pgTable('consent', {
  id: uuid('id').primaryKey(),
  personId: text('person_id').notNull(),
  clientId: text('client_id').notNull(),
  audience: text('audience').notNull(),
  version: integer('version').notNull(),
  scopes: jsonb('scopes').notNull().$type<readonly string[]>(),
  shown: jsonb('shown').notNull(),
  givenAt: time('given_at').notNull(),
  withdrawnAt: time('withdrawn_at'),
});
