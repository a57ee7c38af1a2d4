import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { type PersonId } from './person.js';

export const personTable = pgTable('person', {
  id: text('id').primaryKey().$type<PersonId>(),
  issuer: text('issuer').notNull(),
  subject: text('subject').notNull(),
  provider: text('provider').notNull(),
  name: text('name').notNull(),
  email: text('email'),
  roles: text('roles').array().notNull(),
  disabledAt: timestamp('disabled_at', { withTimezone: true }),
  disabledBy: text('disabled_by'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  signedInAt: timestamp('signed_in_at', { withTimezone: true }).notNull(),
});
export type PersonRow = typeof personTable.$inferSelect;
