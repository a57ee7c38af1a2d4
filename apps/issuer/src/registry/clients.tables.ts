import { bigint, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { type Client } from './client.js';
import { type AudienceWords } from './audience-words.js';
import { type StoredSecret } from './stored-secret.js';

export const clientTable = pgTable('client', {
  clientId: text('client_id').primaryKey(),
  registration: jsonb('registration').notNull().$type<Client>(),
  declared: jsonb('declared').$type<Client>(),
  secrets: jsonb('secrets').notNull().$type<readonly StoredSecret[]>(),
  removedKeys: jsonb('removed_keys').notNull().$type<readonly string[]>(),
  disabledAt: timestamp('disabled_at', { withTimezone: true }),
  disabledBy: text('disabled_by', { enum: ['admin', 'declaration'] }),
  changedIn: bigint('changed_in', { mode: 'number' }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
});

export const audienceWordsTable = pgTable('audience_words', {
  audience: text('audience').primaryKey(),
  words: jsonb('words').notNull().$type<AudienceWords>(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
});
